import Synchronization
import TxnWAL

/// How much memory the memtables of a store may take, and who waits when they take it.
///
/// The active memtables may take half of it. When they do, the largest is sealed, so that their sizes
/// stay spread between nothing and twice the mean: what is sealed is large, which LMDB rewards. The
/// other half is for sealed ones, and for what arrives while they are applied.
final class MemoryBudget: Sendable {
  /// A memtable with nothing in it takes a few KiB. Were they all over the limit, nothing could be sealed
  /// to get below it, and no batch would ever be admitted.
  static let leastByteCountPerPartition = 64 << 10

  let byteCount: Int
  private let sealedByteCount = Atomic<Int>(0)
  private let monitor = Monitor()
  private let partitionCount: Int
  /// A recovery whose apply failed must not wait for it for ever.
  private let isAbandoned = Atomic<Bool>(false)

  init(byteCount: Int, partitionCount: Int) {
    self.byteCount = max(byteCount, partitionCount * Self.leastByteCountPerPartition)
    self.partitionCount = partitionCount
  }

  var activeLimit: Int { byteCount / 2 }

  /// The bytes of memtables on their way to LMDB.
  var sealed: Int { sealedByteCount.load(ordering: .relaxed) }

  func addSealed(_ count: Int) {
    sealedByteCount.add(count, ordering: .relaxed)
  }

  func removeSealed(_ count: Int) {
    sealedByteCount.subtract(count, ordering: .relaxed)
    monitor.withLock { monitor.broadcast() }
  }

  func abandon() {
    isAbandoned.store(true, ordering: .releasing)
    monitor.withLock { monitor.broadcast() }
  }

  /// Recovery's workers fill their partitions side by side: each seals its own, and waits while too
  /// much is on its way down.
  func waitInRecovery(_ partition: Partition) {
    guard partition.activeByteCount > activeLimit / partitionCount else { return }
    partition.seal()
    monitor.withLock {
      while sealed > activeLimit && !isAbandoned.load(ordering: .acquiring) { monitor.wait() }
    }
  }
}
