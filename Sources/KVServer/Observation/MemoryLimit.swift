import Base
import Synchronization

/// `maxmemory`: how much memory of its own the process may take before commands that may need more are
/// refused. How much it takes is asked for now and then, because the system tells it slowly.
final class MemoryLimit: Sendable {
  private let limit = Atomic<Int>(0)
  /// Milliseconds of the monotonic clock.
  private let lookedAt = Atomic<Int64>(0)
  private static let pauseMilliseconds: Int64 = 100

  /// Sets the limit, 0 for none, and has the gate go by it from now on.
  func set(_ byteCount: Int, _ gate: Gate) {
    limit.store(byteCount, ordering: .relaxed)
    gate.setMemoryFull(byteCount > 0 && ProcessFacts().usedByteCount > byteCount)
  }

  /// Tells the gate whether the limit is passed, if there is one and it was not looked at a moment ago.
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
