import Base

/// Where a store's clock takes the time from.
package struct ClockSource: Sendable {
  /// The time of day, since 1970. May be set, forward and back.
  package var wallNanoseconds: @Sendable () -> Int64
  /// The time since some moment. Nobody sets it.
  package var monotonicNanoseconds: @Sendable () -> Int64

  package init(
    wallNanoseconds: @escaping @Sendable () -> Int64,
    monotonicNanoseconds: @escaping @Sendable () -> Int64
  ) {
    self.wallNanoseconds = wallNanoseconds
    self.monotonicNanoseconds = monotonicNanoseconds
  }

  /// The machine's clocks.
  package static let system = ClockSource(
    wallNanoseconds: { SystemClock.nanosecondsSince1970() },
    monotonicNanoseconds: { SystemClock.monotonicNanoseconds() })
}
