import Synchronization

/// The time by which entries expire: it follows the time of day forward, and never goes back while the store
/// is open. What was seen to have expired stays so when somebody sets the clock back.
///
/// It is the monotonic clock and an offset, the greatest that the time of day ever was ahead of it. So after the time
/// of day was set back this clock is ahead of it, by its lead: what a client means by a moment is that much later here.
final class ExpiryClock: Sendable {
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
    return UInt64(clamping: (monotonic &+ raise(wall &- monotonic)) / 1_000_000)
  }

  /// By how many milliseconds it is ahead of the time of day.
  ///
  /// The two clocks are not read at one instant. So what was told is told again, until what is measured differs by
  /// more than that can make out: a moment that is taken in and told again is the same to the millisecond.
  var lead: UInt64 {
    let told = toldLead.load(ordering: .relaxed)
    var measured = measureLead()
    if abs(measured - told) <= Self.leadTolerance { return UInt64(told) }
    // A thread that had to wait between the two readings measured too much, and never too little.
    for _ in 0..<2 { measured = min(measured, measureLead()) }
    let lead = measured <= Self.leadTolerance ? 0 : measured
    toldLead.store(lead, ordering: .relaxed)
    return UInt64(lead)
  }

  /// In milliseconds.
  private static let leadTolerance: Int64 = 10

  private func measureLead() -> Int64 {
    let wall = source.wallNanoseconds()
    let monotonic = source.monotonicNanoseconds()
    let lead = monotonic &+ raise(wall &- monotonic) &- wall
    return max(0, lead &+ 999_999) / 1_000_000
  }

  /// Shows the time of day again, although that is before what it showed.
  func reset() {
    offset.store(
      source.wallNanoseconds() &- source.monotonicNanoseconds(), ordering: .relaxed)
    toldLead.store(0, ordering: .relaxed)
  }

  /// From now on the time is not before `milliseconds`, as it was when the store was last open.
  func raise(toHighWater milliseconds: UInt64) {
    let (nanoseconds, isBeyond) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    if isBeyond || nanoseconds > UInt64(Int64.max) { return }
    _ = raise(Int64(nanoseconds) &- source.monotonicNanoseconds())
  }

  private func raise(_ candidate: Int64) -> Int64 {
    let known = offset.load(ordering: .relaxed)
    if candidate <= known { return known }
    return offset.max(candidate, ordering: .relaxed).newValue
  }
}
