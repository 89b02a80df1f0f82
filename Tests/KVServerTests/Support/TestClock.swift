import Synchronization

@testable import KVStore

/// A clock for a store, which stands still until it is told to go on.
final class TestClock: Sendable {
  private let milliseconds: Atomic<UInt64>

  init(start: UInt64) { milliseconds = Atomic(start) }

  func advance(_ duration: UInt64) { milliseconds.add(duration, ordering: .relaxed) }

  var source: ClockSource {
    let nanoseconds = { @Sendable in
      Int64(self.milliseconds.load(ordering: .relaxed)) * 1_000_000
    }
    return ClockSource(wallNanoseconds: nanoseconds, monotonicNanoseconds: nanoseconds)
  }
}
