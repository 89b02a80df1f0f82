import Base
import Testing

@testable import KVStore

@Suite struct ExpiryClockTests {
  @Test func `it is the time of day while nobody sets that`() {
    let source = TestClock(milliseconds: 5000)
    let clock = ExpiryClock(source.source)
    #expect(clock.now == 5000)
    source.pass(milliseconds: 17)
    #expect(clock.now == 5017)
  }

  @Test func `it follows the time of day forward and not back, and goes on meanwhile`() {
    let source = TestClock(milliseconds: 5000)
    let clock = ExpiryClock(source.source)
    source.set(by: 1000)
    #expect(clock.now == 6000)
    source.set(by: -4000)
    #expect(clock.now == 6000)
    source.pass(milliseconds: 10)
    #expect(clock.now == 6010)
    source.set(by: 3999)
    #expect(clock.now == 6010)
    source.set(by: 2)
    #expect(clock.now == 6011)
  }

  @Test func `it is not before its high water`() {
    let source = TestClock(milliseconds: 5000)
    let clock = ExpiryClock(source.source)
    clock.raise(toHighWater: 4000)
    #expect(clock.now == 5000)
    clock.raise(toHighWater: 7000)
    #expect(clock.now == 7000)
    source.pass(milliseconds: 5)
    #expect(clock.now == 7005)
    // No time that the machine's clocks can show.
    clock.raise(toHighWater: .max)
    #expect(clock.now == 7005)
  }

  @Test
  func
    `its lead is what the time of day was set back by, to the millisecond, and told the same again`()
  {
    let source = TestClock(milliseconds: 5000)
    let clock = ExpiryClock(source.source)
    #expect(clock.lead == 0)
    source.set(by: 1_000_000)
    #expect(clock.lead == 0)
    source.set(by: -1_000_000)
    for _ in 0..<3 {
      #expect(clock.lead == 1_000_000)
      source.pass(milliseconds: 77)
    }
    // No more than what reading two clocks one after the other can make out.
    source.set(by: -9)
    #expect(clock.lead == 1_000_000)
    source.set(by: -2)
    #expect(clock.lead == 1_000_011)
    source.set(by: 400_000)
    #expect(clock.lead == 600_011)
    source.set(by: 600_011)
    #expect(clock.lead == 0)
    source.set(by: -5)
    #expect(clock.lead == 0)
  }

  @Test func `a thread that waits between its two readings of the clock makes out no lead`() {
    let source = TestClock(milliseconds: 5000)
    var stalls = 0
    let stall = Lock(0)
    let clock = ExpiryClock(
      ClockSource(
        wallNanoseconds: source.source.wallNanoseconds,
        monotonicNanoseconds: {
          if stall.withLock({ left in
            left -= 1
            return left >= 0
          }) {
            source.pass(milliseconds: 500)
          }
          return source.source.monotonicNanoseconds()
        }))
    // Both clocks at once before, so that the offset is a sound one.
    #expect(clock.now == 5000)
    while stalls < 2 {
      stalls += 1
      stall.withLock { $0 = stalls }
      #expect(clock.lead == 0)
      #expect(clock.lead == 0)
    }
  }

  @Test func `reset, it shows the time of day again`() {
    let source = TestClock(milliseconds: 5000)
    let clock = ExpiryClock(source.source)
    clock.raise(toHighWater: 90_000)
    #expect(clock.lead == 85_000)
    clock.reset()
    #expect(clock.now == 5000)
    #expect(clock.lead == 0)
  }

  @Test func `it never goes back, whatever is done to the time of day`() {
    var random = SeededGenerator(seed: testSeed())
    let source = TestClock(milliseconds: 50_000)
    let clock = ExpiryClock(source.source)
    var latest: UInt64 = 0
    for _ in 0..<10_000 {
      if Bool.random(using: &random) {
        source.pass(milliseconds: Int64.random(in: 0...3, using: &random))
      } else {
        source.set(by: Int64.random(in: -20...20, using: &random))
      }
      let now = clock.now
      #expect(now >= latest)
      latest = now
    }
  }

  @Test func `the machine's clocks give the time of day`() {
    let before = FileSystem.millisecondsNow()
    let now = ExpiryClock(.system).now
    #expect(now >= before && now <= FileSystem.millisecondsNow())
  }
}
