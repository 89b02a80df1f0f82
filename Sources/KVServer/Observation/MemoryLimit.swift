import Base
import Synchronization

/// `maxmemory`: how much anonymous memory the process may use before commands that may need more are
/// refused. The usage is read only from time to time, because the system reports it slowly.
final class MemoryLimit: Sendable {
  private let limit = Atomic<Int>(0)
  /// When usage was last read, in milliseconds of the monotonic clock.
  private let lookedAt = Atomic<Int64>(0)
  private static let pauseMilliseconds: Int64 = 100

  /// Sets the limit, 0 for none, and updates the gate.
  func set(_ byteCount: Int, _ gate: Gate) {
    limit.store(byteCount, ordering: .relaxed)
    gate.setMemoryFull(byteCount > 0 && ProcessFacts().usedByteCount > byteCount)
  }

  /// Tells the gate whether the limit is exceeded. Does nothing without a limit, or within 100 ms of the
  /// last check.
  @inline(__always)
  func look(_ gate: Gate) {
    let byteCount = limit.load(ordering: .relaxed)
    if byteCount > 0 { look(byteCount, gate) }
  }

  @inline(never)
  private func look(_ byteCount: Int, _ gate: Gate) {
    let now = SystemClock.monotonicMilliseconds()
    let before = lookedAt.load(ordering: .relaxed)
    guard now - before >= Self.pauseMilliseconds,
      lookedAt.compareExchange(expected: before, desired: now, ordering: .relaxed).exchanged
    else { return }
    gate.setMemoryFull(ProcessFacts().usedByteCount > byteCount)
  }
}
