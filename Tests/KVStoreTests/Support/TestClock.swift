import Base
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

  /// The same where it takes `nanoseconds()` to read a clock.
  func source(reading nanoseconds: @escaping @Sendable () -> Int64) -> ClockSource {
    ClockSource(
      wallNanoseconds: {
        self.pass(nanoseconds: nanoseconds())
        return self.source.wallNanoseconds()
      },
      monotonicNanoseconds: {
        self.pass(nanoseconds: nanoseconds())
        return self.source.monotonicNanoseconds()
      })
  }

  /// Time passes.
  func pass(milliseconds: Int64) { pass(nanoseconds: milliseconds * 1_000_000) }

  func pass(nanoseconds: Int64) {
    wall.add(nanoseconds, ordering: .relaxed)
    monotonic.add(nanoseconds, ordering: .relaxed)
  }

  /// The machine was started again, which took so long: its monotonic clock begins again.
  func restart(milliseconds: Int64) {
    wall.add(milliseconds * 1_000_000, ordering: .relaxed)
    monotonic.store(0, ordering: .relaxed)
  }

  /// Somebody sets the time of day.
  func set(by milliseconds: Int64) {
    wall.add(milliseconds * 1_000_000, ordering: .relaxed)
  }
}
