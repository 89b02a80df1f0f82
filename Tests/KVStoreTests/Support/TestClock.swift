import Synchronization

@testable import KVStore

/// A clock that a test moves.
final class TestClock: Sendable {
  private let wall: Atomic<Int64>
  private let monotonic = Atomic<Int64>(0)

  init(milliseconds: Int64 = 1_000_000) {
    wall = Atomic(milliseconds * 1_000_000)
  }

  var source: ClockSource {
    ClockSource(
      wallNanoseconds: { self.wall.load(ordering: .relaxed) },
      monotonicNanoseconds: { self.monotonic.load(ordering: .relaxed) })
  }

  /// Time passes.
  func pass(milliseconds: Int64) {
    wall.add(milliseconds * 1_000_000, ordering: .relaxed)
    monotonic.add(milliseconds * 1_000_000, ordering: .relaxed)
  }

  /// Somebody sets the time of day.
  func set(by milliseconds: Int64) {
    wall.add(milliseconds * 1_000_000, ordering: .relaxed)
  }
}
