import Synchronization

/// The traffic of one event loop. Only that loop writes the numbers, so other threads read whole values without more
/// than relaxed atomic accesses.
public final class Traffic: Sendable {
  private let received = Atomic<UInt64>(0)
  private let sent = Atomic<UInt64>(0)
  private let reads = Atomic<UInt64>(0)
  private let writes = Atomic<UInt64>(0)

  public init() {}

  @inline(__always)
  private func add(_ amount: UInt64, to counter: borrowing Atomic<UInt64>) {
    counter.store(counter.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  func countReceived(_ byteCount: Int) {
    add(UInt64(byteCount), to: received)
    add(1, to: reads)
  }

  func countSent(_ byteCount: Int) {
    add(UInt64(byteCount), to: sent)
    add(1, to: writes)
  }

  public struct Totals {
    /// Bytes, and calls that moved any.
    public var received: UInt64 = 0
    public var sent: UInt64 = 0
    public var reads: UInt64 = 0
    public var writes: UInt64 = 0
  }

  public var totals: Totals {
    Totals(
      received: received.load(ordering: .relaxed), sent: sent.load(ordering: .relaxed),
      reads: reads.load(ordering: .relaxed), writes: writes.load(ordering: .relaxed))
  }
}
