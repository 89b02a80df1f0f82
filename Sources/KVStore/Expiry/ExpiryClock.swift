import Synchronization

/// The time by which entries expire: it follows the time of day forward, and never goes back while the store
/// is open. What was seen to have expired stays so when somebody sets the clock back.
///
/// It is the monotonic clock and an offset, the greatest that the time of day ever was ahead of it.
final class ExpiryClock: Sendable {
  private let source: ClockSource
  private let offset: Atomic<Int64>

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
