import Base
import Synchronization

/// The memory budget of a store's memtables.
///
/// Active memtables may use three quarters of it. When they exceed that, the largest is sealed. Their sizes
/// stay spread between zero and twice the mean, so sealed memtables are large, which makes applying them to
/// LMDB cheaper. The rest is for sealed memtables, and for what arrives while they are applied.
final class MemoryBudget: Sendable {
  /// An empty memtable takes a few KiB. If the empty memtables alone exceeded the limit, nothing could be
  /// sealed to get below it, and no batch would ever be admitted.
  static let leastByteCountPerPartition = 64 << 10

  let byteCount: Int
  /// Memory of freed memtables that is kept for reuse.
  let spare: PagePool
  private let activeByteCount = Atomic<Int>(0)
  private let sealedByteCount = Atomic<Int>(0)
  private let monitor = Monitor()
  private let partitionCount: Int
  private struct Trouble {
    /// Why sealed memtables cannot be applied at present.
    var obstacle: StoreError?
    /// Why recovery was given up.
    var failure: StoreError?
  }
  private let trouble = Lock(Trouble())
  /// Whether `trouble` has a failure. Recovery checks it for every record, on all its workers at once, so the
  /// check must not take a lock.
  private let hasFailed = Atomic<Bool>(false)

  init(byteCount: Int, spareByteCount: Int = 0, partitionCount: Int) {
    spare = PagePool(byteLimit: spareByteCount)
    self.byteCount = max(byteCount, partitionCount * Self.leastByteCountPerPartition)
    self.partitionCount = partitionCount
  }

  var activeLimit: Int { byteCount / 4 * 3 }

  /// The bytes of the active memtables. The number may be slightly out of date.
  var active: Int { activeByteCount.load(ordering: .relaxed) }

  func setActive(_ count: Int) {
    activeByteCount.store(count, ordering: .relaxed)
  }

  func addActive(_ count: Int) {
    activeByteCount.add(count, ordering: .relaxed)
  }

  /// The bytes of all memtables.
  var inUse: Int { active + sealed }

  /// The bytes of sealed memtables that are not yet applied.
  var sealed: Int { sealedByteCount.load(ordering: .relaxed) }

  func addSealed(_ count: Int) {
    sealedByteCount.add(count, ordering: .relaxed)
  }

  func removeSealed(_ count: Int) {
    sealedByteCount.subtract(count, ordering: .relaxed)
    monitor.withLock { monitor.broadcast() }
  }

  /// The number of range deletes in a partition at which more of them wait for the purge worker. Other writes
  /// do not wait.
  static let tombstoneLimit = 4096

  /// The size of a partition's range deletes at which more of them wait, too: a share of an eighth of the
  /// budget, which range deletes use in addition to the memtables.
  var tombstoneByteLimit: Int {
    max(byteCount / 8 / partitionCount, Self.leastByteCountPerPartition)
  }

  /// Why recovery was given up; nil if it was not.
  var failure: StoreError? {
    hasFailed.load(ordering: .acquiring) ? trouble.withLock { $0.failure } : nil
  }

  /// Gives recovery up because apply failed; otherwise it would wait for apply forever.
  func abandon(because error: StoreError) {
    trouble.withLock { giveUp(&$0, because: error) }
    monitor.withLock { monitor.broadcast() }
  }

  /// Notes that sealed memtables cannot be applied at present, or, with nil, that they can. A recovery that
  /// has no room for more fails with this error instead of waiting for a repair.
  func setObstacle(_ error: StoreError?) {
    trouble.withLock { $0.obstacle = error }
    monitor.withLock { monitor.broadcast() }
  }

  /// The most memory that may be used while nothing is applied. Deletes may exceed the limit up to this.
  var hardLimitByteCount: Int { byteCount / 8 * 9 }

  private func giveUp(_ trouble: inout Trouble, because error: StoreError) {
    if trouble.failure == nil { trouble.failure = error }
    hasFailed.store(true, ordering: .releasing)
  }

  /// Whether recovery stops waiting although too much memory is sealed. While apply is blocked, it continues:
  /// what one process held in memory when it was killed on a full disk fits into the memory of the next.
  /// Recovery is given up only if sealed memtables exceed `hardLimitByteCount`.
  private func shouldStopWaiting() -> Bool {
    trouble.withLock { trouble in
      if trouble.failure != nil { return true }
      guard let obstacle = trouble.obstacle else { return false }
      if sealed > hardLimitByteCount { giveUp(&trouble, because: obstacle) }
      return true
    }
  }

  /// Called by recovery's workers, which fill their partitions in parallel. What one process held in memory
  /// fits into the memory of the next, and is applied once the store is open, so recovery usually does not
  /// wait. If there is more, because the budget is smaller than before, each worker seals its own memtable,
  /// and waits while too much memory is sealed.
  func throttleRecovery(_ partition: Partition) {
    partition.updateBudget()
    guard inUse > byteCount else { return }
    if partition.activeByteCount > byteCount / 2 / partitionCount {
      partition.seal()
      partition.updateBudget()
    }
    guard inUse > hardLimitByteCount else { return }
    monitor.withLock {
      while inUse > hardLimitByteCount && sealed > 0 && !shouldStopWaiting() { monitor.wait() }
    }
  }
}
