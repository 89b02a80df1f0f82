import Base
import Synchronization

/// The clock by which entries expire. It follows the time of day forward, and never goes back while the store
/// is open: an entry that has expired stays expired when the time of day is set back.
///
/// It is the monotonic clock plus an offset, the greatest difference ever seen between the time of day and
/// the monotonic clock. After the time of day is set back, this clock is ahead of it by its lead: a moment
/// that a client specifies is that much later here.
///
/// A moment that is taken in and reported later must be the same to the millisecond. So the lead is a whole
/// number of milliseconds and does not depend on how long it takes to read two clocks. It changes only when
/// the time of day is set, and survives a restart (`Standing`).
final class ExpiryClock: Sendable {
  /// The clock's relation to the time of day, as its record keeps it.
  struct Standing: Equatable {
    /// The time of day when the monotonic clock showed 0, in nanoseconds since 1970. As long as it is the
    /// same, the machine was not restarted and its time of day was not set.
    var origin: Int64
    /// In milliseconds.
    var lead: UInt64
  }

  private let source: ClockSource
  private let offset: Atomic<Int64>
  /// The lead as last reported, in milliseconds.
  private let reportedLead = Atomic<Int64>(0)

  init(_ source: ClockSource) {
    self.source = source
    let wall = source.wallNanoseconds()
    offset = Atomic(wall &- source.monotonicNanoseconds())
  }

  /// Milliseconds since 1970.
  var now: UInt64 {
    // In this order: a pause between the two readings makes the offset smaller, never larger.
    let wall = source.wallNanoseconds()
    let monotonic = source.monotonicNanoseconds()
    return UInt64(clamping: (monotonic &+ raise(wall &- monotonic)) / Self.millisecond)
  }

  /// How many milliseconds the clock is ahead of the time of day.
  var lead: UInt64 { standing.lead }

  /// The lead, and the origin that was read with it.
  ///
  /// The last reported lead is kept until the clocks differ from it by more than the tolerance. A smaller
  /// difference comes from when they were read, or is too small to count as setting a clock.
  var standing: Standing {
    let told = reportedLead.load(ordering: .relaxed)
    var reading = readClocks()
    if abs(lead(at: reading) - told) > Self.leadTolerance {
      // This thread may have been descheduled between two readings.
      reading = readClocksClosely(reading)
    }
    var lead = lead(at: reading)
    if abs(lead - told) <= Self.leadTolerance {
      return Standing(origin: reading.least, lead: UInt64(told))
    }
    if lead <= Self.leadTolerance { lead = 0 }
    // Raises the clock by less than a millisecond, so that it is ahead by exactly the reported lead.
    if lead > 0 { raise(reading.least &+ lead &* Self.millisecond) }
    reportedLead.store(lead, ordering: .relaxed)
    return Standing(origin: reading.least, lead: UInt64(lead))
  }

  /// Sets the clock to the time of day, even if that is earlier than what it showed.
  func reset() {
    offset.store(
      source.wallNanoseconds() &- source.monotonicNanoseconds(), ordering: .relaxed)
    reportedLead.store(0, ordering: .relaxed)
  }

  /// Continues from where the clock was when the store was last open: it shows at least `milliseconds`, and
  /// if the time of day was not set since then, it is ahead of it by the same lead as before.
  func restore(toHighWater milliseconds: UInt64, _ standing: Standing?) {
    raise(toHighWater: milliseconds)
    guard let standing, standing.lead > 0, let lead = Self.nanoseconds(standing.lead) else {
      return
    }
    let reading = readClocksClosely(readClocks())
    let change = (reading.least &- standing.origin).magnitude
    guard change <= UInt64(Self.leadTolerance * Self.millisecond) else { return }
    raise(reading.least &+ lead)
    reportedLead.store(Int64(standing.lead), ordering: .relaxed)
  }

  /// Advances the clock to at least `milliseconds`.
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

  /// The difference between the time of day and the monotonic clock, in nanoseconds: at least `least`, at
  /// most `most`. They are apart by the time that passed between the readings.
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

  /// The tightest of `first` and two more readings.
  private func readClocksClosely(_ first: Reading) -> Reading {
    var best = first
    for _ in 0..<2 {
      let reading = readClocks()
      if reading.most &- reading.least < best.most &- best.least { best = reading }
    }
    return best
  }

  /// The lead in whole milliseconds, rounded up: a key expires no sooner than requested. What is rounded is
  /// the least possible lead, so that the time spent on reading the clocks does not add a millisecond.
  private func lead(at reading: Reading) -> Int64 {
    let lead = raise(reading.least) &- reading.most
    return max(0, lead &+ Self.millisecond &- 1) / Self.millisecond
  }

  /// Nil if the machine's clocks cannot show such a time.
  private static func nanoseconds(_ milliseconds: UInt64) -> Int64? {
    let (product, isBeyond) = milliseconds.multipliedReportingOverflow(by: UInt64(millisecond))
    return isBeyond ? nil : Int64(exactly: product)
  }
}
