import Base

/// The clocks from which a store's clock takes the time.
package struct ClockSource: Sendable {
  /// The time of day, in nanoseconds since 1970. It can be set, forward and back.
  package var wallNanoseconds: @Sendable () -> Int64
  /// The time since an arbitrary moment, in nanoseconds. It cannot be set.
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
    monotonicNanoseconds: { Int64(SystemClock.monotonicNanoseconds()) })
}
