import Synchronization

@testable import KVStore

/// A clock for a store, which stands still until it is told to go on.
final class TestClock: Sendable {
  private let milliseconds: Atomic<UInt64>
  private let lag = Atomic<UInt64>(0)

  init(start: UInt64) { milliseconds = Atomic(start) }

  func advance(_ duration: UInt64) { milliseconds.add(duration, ordering: .relaxed) }

  /// Somebody sets the time of day back.
  func setBack(_ duration: UInt64) { lag.add(duration, ordering: .relaxed) }

  /// Somebody sets it right, or too far forward, after it was set back by as much at least.
  func setForward(_ duration: UInt64) { lag.subtract(duration, ordering: .relaxed) }

  /// What clients see, in milliseconds since 1970.
  var wall: UInt64 { milliseconds.load(ordering: .relaxed) - lag.load(ordering: .relaxed) }

  var source: ClockSource {
    ClockSource(
      wallNanoseconds: {
        Self.nanoseconds(
          self.milliseconds.load(ordering: .relaxed) - self.lag.load(ordering: .relaxed))
      },
      monotonicNanoseconds: { Self.nanoseconds(self.milliseconds.load(ordering: .relaxed)) })
  }

  private static func nanoseconds(_ milliseconds: UInt64) -> Int64 {
    Int64(milliseconds) * 1_000_000
  }
}
