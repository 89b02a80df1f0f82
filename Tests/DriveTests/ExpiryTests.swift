import Testing

@testable import kvd_drive

/// What expires is judged by what the daemon's clock can have shown: gone at its time, not before, and for good.
@Suite struct ExpiryTests {
  private let value = State.stamped(client: 1, operation: 1)

  private func entry(
    _ time: UInt64, _ clock: ClosedRange<Int>, _ change: Change, isKnown: Bool = true
  ) -> Linearizability.Entry {
    Linearizability.Entry(
      invoked: time, returned: isKnown ? time + 5 : .max, change: change, clock: clock)
  }

  private func isPossible(
    _ entries: [Linearizability.Entry], from initial: State = .absent, to final: State? = nil,
    clock: ClosedRange<Int> = 0...0
  ) -> Bool {
    Linearizability.check(entries, from: initial, to: final, clock: clock) == .explained
  }

  @Test func `what expires is there before its moment and gone from it on`() {
    let mortal = value.expiring(100...100)
    let write = entry(10, 50...50, .write(mortal))
    #expect(isPossible([write, entry(20, 90...99, .read(mortal))]))
    #expect(!isPossible([write, entry(20, 90...99, .read(.absent))]))
    #expect(isPossible([write, entry(20, 95...105, .read(mortal))]))
    #expect(isPossible([write, entry(20, 95...105, .read(.absent))]))
    #expect(isPossible([write, entry(20, 100...105, .read(.absent))]))
    #expect(!isPossible([write, entry(20, 100...105, .read(mortal))]))
  }

  @Test func `what was seen to have expired is never back, whatever the clock shows then`() {
    let mortal = value.expiring(100...100)
    let history = [entry(10, 50...50, .write(mortal)), entry(20, 90...150, .read(.absent))]
    #expect(isPossible(history, to: .absent, clock: 60...150))
    #expect(!isPossible(history, to: mortal, clock: 60...150))
    #expect(!isPossible(history + [entry(30, 60...150, .read(mortal))]))
  }

  @Test func `an expiry that was told must be the one that was set`() {
    let clock = 50...50
    let set = entry(20, clock, .setExpiry(100...110, isDone: true))
    func read(_ expiry: ClosedRange<Int>?) -> Linearizability.Entry {
      entry(30, clock, .read(value.expiring(expiry)))
    }
    #expect(isPossible([set, read(100...100)], from: value))
    #expect(isPossible([set, read(110...110)], from: value))
    #expect(!isPossible([set, read(111...111)], from: value))
    #expect(!isPossible([set, read(nil)], from: value))
    // Once it is known it does not change.
    #expect(
      !isPossible([set, read(104...104), entry(40, clock, read(105...105).change)], from: value))
    #expect(!isPossible([set], from: .absent))
  }

  @Test func `what was made to last lasts`() {
    let mortal = value.expiring(100...100)
    let persist = entry(10, 90...90, .persist(isDone: true))
    #expect(isPossible([persist], from: mortal, to: value, clock: 500...500))
    #expect(!isPossible([persist], from: mortal, to: .absent, clock: 500...500))
    #expect(!isPossible([persist], from: mortal, to: mortal, clock: 95...95))
    #expect(!isPossible([persist], from: value))
    #expect(!isPossible([entry(10, 120...120, .persist(isDone: true))], from: mortal))
  }

  @Test func `a write over it keeps the expiry only where it is meant to`() {
    let new = State.stamped(client: 1, operation: 2)
    let mortal = value.expiring(100...100)
    let overwrite = entry(10, 50...50, .overwrite(new))
    #expect(isPossible([overwrite], from: mortal, to: new.expiring(100...100), clock: 60...60))
    #expect(!isPossible([overwrite], from: mortal, to: new, clock: 60...60))
    #expect(isPossible([entry(10, 50...50, .write(new))], from: mortal, to: new, clock: 60...60))
    #expect(isPossible([entry(10, 100...100, .overwrite(new))], from: mortal, to: new))
  }

  @Test func `an expiry is told by the clock that clients see, and is later by the lead`() {
    let findings = Findings(isQuiet: true)
    let value = State.stamped(client: 1, operation: 1)
    let clocks = ClockReading(wall: 1000...1010, lead: 0...500)
    let state = Lifetime.apply(
      .integer(2000), .integer(995), to: value, of: "key", clocks: clocks, findings)
    #expect(state.expiry == 2000...2500 && findings.count == 0)
    #expect(value.expiring(2400...2700).allows(state))
    #expect(value.expiring(2400...2700).narrowed(by: state).expiry == 2400...2500)
    #expect(!value.expiring(2501...2700).allows(state))
    func complaint(_ end: Int, _ left: Int) -> String? {
      Lifetime.complaint(about: 2000, .integer(end), .integer(left), clocks: clocks)
    }
    #expect(complaint(2000, 995) == nil)
    // As it was: the key was removed at once, since the daemon's own clock was ahead.
    #expect(complaint(-2, -2) != nil)
    #expect(complaint(2500, 995) != nil)
    #expect(complaint(2000, 1495) != nil)
    let past = ClockReading(wall: 1990...2000, lead: 0...500)
    #expect(Lifetime.complaint(about: 2000, .integer(-2), .integer(-2), clocks: past) == nil)
  }

  @Test
  func `a clock that is set may show what it showed before, and never less than it is set to`() {
    let time = ExpiryTime(nil)
    let start = System.now()
    let before = time.reading(from: start, to: start)
    time.set(seconds: 3600)
    time.set(seconds: -60)
    let after = time.reading()
    #expect(after.lowerBound <= before.lowerBound - 59_000)
    #expect(after.upperBound >= before.upperBound + 3_600_000)
    let clocks = time.clocks(from: System.now(), to: System.now())
    #expect(clocks.lead == 0...3_660_000)
    #expect(clocks.wall.upperBound < before.lowerBound)
    // Whoever asked before it was set was not told of it.
    #expect(time.clocks(from: start, to: start).lead == 0...0)
    #expect(time.reading(from: start, to: start) == before)
  }
}
