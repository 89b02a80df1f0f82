import Base
import Synchronization

/// The time by which entries expire: it follows the time of day forward, and never goes back while the store
/// is open. What was seen to have expired stays so when somebody sets the clock back.
///
/// It is the monotonic clock and an offset, the greatest that the time of day ever was ahead of it. So after the time
/// of day was set back this clock is ahead of it, by its lead: what a client means by a moment is that much later here.
///
/// A moment that is taken in and told again must be the same to the millisecond, so the lead is a whole number of
/// them and does not hang on how long it takes to read two clocks: it changes where somebody sets the time of day, and
/// goes on over a restart (`Standing`).
final class ExpiryClock: Sendable {
  /// How it stands to the time of day: what its record keeps.
  struct Standing: Equatable {
    /// What the time of day was when the monotonic clock showed 0, in nanoseconds since 1970. As long as it is the
    /// same, the machine was not started again and nobody has set the time of day.
    var origin: Int64
    /// Milliseconds.
    var lead: UInt64
  }

  private let source: ClockSource
  private let offset: Atomic<Int64>
  /// The lead as it was told last, in milliseconds.
  private let toldLead = Atomic<Int64>(0)

  init(_ source: ClockSource) {
    self.source = source
    let wall = source.wallNanoseconds()
    offset = Atomic(wall &- source.monotonicNanoseconds())
  }

  /// Milliseconds since 1970.
  var now: UInt64 {
    // In this order: a pause between the two makes the offset less and never more.
    let wall = source.wallNanoseconds()
    let monotonic = source.monotonicNanoseconds()
    return UInt64(clamping: (monotonic &+ raise(wall &- monotonic)) / Self.millisecond)
  }

  /// By how many milliseconds it is ahead of the time of day.
  var lead: UInt64 { standing.lead }

  /// The lead, and the time of day that it was found by.
  ///
  /// What was told is told again until the clocks differ by more than the tolerance: less is a matter of when they
  /// were read, or too little to be called setting a clock.
  var standing: Standing {
    let told = toldLead.load(ordering: .relaxed)
    var reading = readClocks()
    if abs(lead(at: reading) - told) > Self.leadTolerance {
      // It may be that this thread had to wait between two readings.
      reading = readClocksClosely(reading)
    }
    var lead = lead(at: reading)
    if abs(lead - told) <= Self.leadTolerance {
      return Standing(origin: reading.least, lead: UInt64(told))
    }
    if lead <= Self.leadTolerance { lead = 0 }
    // By less than a millisecond: what is told is what the clock is ahead by.
    if lead > 0 { raise(reading.least &+ lead &* Self.millisecond) }
    toldLead.store(lead, ordering: .relaxed)
    return Standing(origin: reading.least, lead: UInt64(lead))
  }

  /// Shows the time of day again, although that is before what it showed.
  func reset() {
    offset.store(
      source.wallNanoseconds() &- source.monotonicNanoseconds(), ordering: .relaxed)
    toldLead.store(0, ordering: .relaxed)
  }

  /// Goes on where it was when the store was last open: it is not before `milliseconds`, and if nobody has set the
  /// time of day since then it is ahead of it by as much as before.
  func restore(toHighWater milliseconds: UInt64, _ standing: Standing?) {
    raise(toHighWater: milliseconds)
    guard let standing, standing.lead > 0, let lead = Self.nanoseconds(standing.lead) else {
      return
    }
    let reading = readClocksClosely(readClocks())
    let change = (reading.least &- standing.origin).magnitude
    guard change <= UInt64(Self.leadTolerance * Self.millisecond) else { return }
    raise(reading.least &+ lead)
    toldLead.store(Int64(standing.lead), ordering: .relaxed)
  }

  /// From now on the time is not before `milliseconds`.
  func raise(toHighWater milliseconds: UInt64) {
    guard let nanoseconds = Self.nanoseconds(milliseconds) else { return }
    raise(nanoseconds &- source.monotonicNanoseconds())
  }

  @discardableResult
  private func raise(_ candidate: Int64) -> Int64 {
    let known = offset.load(ordering: .relaxed)
    if candidate <= known { return known }
    return offset.max(candidate, ordering: .relaxed).newValue
  }

  // MARK: Reading two clocks

  /// What the time of day is ahead of the monotonic clock by, in nanoseconds: as much as `least`, and no more than
  /// `most`. They are apart by what passed between the readings.
  private struct Reading {
    var least: Int64
    var most: Int64
  }

  private static let millisecond: Int64 = 1_000_000
  /// In milliseconds.
  private static let leadTolerance: Int64 = 10

  private func readClocks() -> Reading {
    let before = source.monotonicNanoseconds()
    let wall = source.wallNanoseconds()
    let after = source.monotonicNanoseconds()
    return Reading(least: wall &- after, most: wall &- before)
  }

  /// The closest of `first` and two more.
  private func readClocksClosely(_ first: Reading) -> Reading {
    var best = first
    for _ in 0..<2 {
      let reading = readClocks()
      if reading.most &- reading.least < best.most &- best.least { best = reading }
    }
    return best
  }

  /// In whole milliseconds, rounded up: a key expires no sooner than it was asked to. It is rounded from the least
  /// that it can be, so that reading the clocks does not make one more of it.
  private func lead(at reading: Reading) -> Int64 {
    let lead = raise(reading.least) &- reading.most
    return max(0, lead &+ Self.millisecond &- 1) / Self.millisecond
  }

  /// Nil where it is no time that the machine's clocks can show.
  private static func nanoseconds(_ milliseconds: UInt64) -> Int64? {
    let (product, isBeyond) = milliseconds.multipliedReportingOverflow(by: UInt64(millisecond))
    return isBeyond ? nil : Int64(exactly: product)
  }
}
