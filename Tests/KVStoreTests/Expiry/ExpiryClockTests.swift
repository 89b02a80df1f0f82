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

  /// The lead was rounded up from what the second reading had added, so after the time of day was set back by an hour
  /// it was a millisecond more than an hour: an expiry was told a millisecond off after a restart.
  @Test func `that two clocks are not read at one instant makes the lead no longer`() {
    let random = Lock(SeededGenerator(seed: testSeed()))
    let source = TestClock(milliseconds: 5000)
    let clock = ExpiryClock(
      source.source { random.withLock { Int64.random(in: 20...5000, using: &$0) } })
    source.set(by: 3_600_000)
    // Often, so that one of them is as close as can be.
    for _ in 0..<1000 { #expect(clock.now >= 3_605_000) }
    source.set(by: -3_600_000)
    for _ in 0..<1000 { #expect(clock.lead == 3_600_000) }
  }

  /// Opens it again, as a store does that finds the clock's record.
  private func reopened(
    _ clock: ExpiryClock, _ source: ClockSource, pause: () -> Void
  ) -> ExpiryClock {
    let (highWater, standing) = (clock.now, clock.standing)
    pause()
    let next = ExpiryClock(source)
    next.restore(toHighWater: highWater, standing)
    return next
  }

  @Test func `its lead is the same after every restart, and grows by none of them`() {
    let random = Lock(SeededGenerator(seed: testSeed()))
    func number(_ range: ClosedRange<Int64>) -> Int64 {
      random.withLock { Int64.random(in: range, using: &$0) }
    }
    let source = TestClock(milliseconds: 5000)
    let slow = source.source { random.withLock { Int64.random(in: 20...5000, using: &$0) } }
    var clock = ExpiryClock(slow)
    source.pass(nanoseconds: number(0...999_999))
    source.set(by: 7_200_000)
    for _ in 0..<1000 { _ = clock.now }
    source.set(by: -7_200_000)
    // No whole number of milliseconds: it is rounded once.
    clock.raise(toHighWater: clock.now + 60_000)
    let lead = clock.lead
    #expect(7_259_999...7_260_001 ~= lead)
    for _ in 0..<1000 {
      let before = clock.now
      clock = reopened(clock, slow) { source.pass(nanoseconds: number(0...50_000_000)) }
      #expect(clock.lead == lead)
      #expect(clock.now >= before)
    }
  }

  @Test func `a step of the time of day within the tolerance changes no lead, also over a restart`()
  {
    let source = TestClock(milliseconds: 5000)
    var clock = ExpiryClock(source.source)
    clock.raise(toHighWater: 65_000)
    #expect(clock.lead == 60_000)
    for step in [-9, 4, -5, 10] as [Int64] {
      clock = reopened(clock, source.source) { source.set(by: step) }
      #expect(clock.lead == 60_000)
      source.set(by: -step)
      #expect(clock.lead == 60_000)
    }
    // Where there is none, nothing becomes one.
    clock.reset()
    for step in [-9, 0, 9, -3] as [Int64] {
      clock = reopened(clock, source.source) { source.set(by: step) }
      #expect(clock.lead == 0)
    }
  }

  @Test
  func `it stands still where the time of day was set or the machine started again meanwhile`() {
    let source = TestClock(milliseconds: 5000)
    var clock = ExpiryClock(source.source)
    clock.raise(toHighWater: 65_000)
    #expect(clock.lead == 60_000)
    clock = reopened(clock, source.source) {
      source.pass(milliseconds: 1000)
      source.set(by: -2000)
    }
    #expect(clock.now == 65_000 && clock.lead == 61_000)
    clock = reopened(clock, source.source) { source.restart(milliseconds: 30_000) }
    #expect(clock.now == 65_000 && clock.lead == 31_000)
    // A clock that was right at last is not taken for one that is still behind by as much.
    clock = reopened(clock, source.source) { source.set(by: 31_000) }
    #expect(clock.now == 65_000 && clock.lead == 0)
    clock = reopened(clock, source.source) { source.set(by: 1_000_000) }
    #expect(clock.now == 1_065_000 && clock.lead == 0)
  }

  @Test func `a record that no clock can have written changes nothing`() {
    let source = TestClock(milliseconds: 5000)
    for origin in [0, 5_000_000_000, Int64.min, .max] {
      let clock = ExpiryClock(source.source)
      clock.restore(toHighWater: .max, ExpiryClock.Standing(origin: origin, lead: .max))
      #expect(clock.now == 5000 && clock.lead == 0)
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
    let before = SystemClock.millisecondsSince1970()
    let now = ExpiryClock(.system).now
    #expect(now >= before && now <= SystemClock.millisecondsSince1970())
  }
}
