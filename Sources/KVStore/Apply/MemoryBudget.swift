import Base
import Synchronization

/// How much memory the memtables of a store may take, and who waits when they take it.
///
/// The active memtables may take three quarters of it. When they do, the largest is sealed, so that their sizes
/// stay spread between nothing and twice the mean: what is sealed is large, which LMDB rewards. The
/// rest is for sealed ones, and for what arrives while they are applied.
final class MemoryBudget: Sendable {
  /// A memtable with nothing in it takes a few KiB. Were they all over the limit, nothing could be sealed
  /// to get below it, and no batch would ever be admitted.
  static let leastByteCountPerPartition = 64 << 10

  let byteCount: Int
  /// What is kept of memtables that are gone.
  let spare: SparePages
  private let activeByteCount = Atomic<Int>(0)
  private let sealedByteCount = Atomic<Int>(0)
  private let monitor = Monitor()
  private let partitionCount: Int
  private struct Trouble {
    /// Why what is sealed is not applied at present.
    var obstacle: StoreError?
    /// Why recovery was given up.
    var failure: StoreError?
  }
  private let trouble = Lock(Trouble())
  /// Whether `trouble` has a failure: every record of a recovery looks, from eight threads at once.
  private let hasFailed = Atomic<Bool>(false)

  init(byteCount: Int, spareByteCount: Int = 0, partitionCount: Int) {
    spare = SparePages(byteLimit: spareByteCount)
    self.byteCount = max(byteCount, partitionCount * Self.leastByteCountPerPartition)
    self.partitionCount = partitionCount
  }

  var activeLimit: Int { byteCount / 4 * 3 }

  /// The bytes of the memtables that are being written, as they were a moment ago.
  var active: Int { activeByteCount.load(ordering: .relaxed) }

  func setActive(_ count: Int) {
    activeByteCount.store(count, ordering: .relaxed)
  }

  func addActive(_ count: Int) {
    activeByteCount.add(count, ordering: .relaxed)
  }

  /// The bytes of all memtables.
  var inUse: Int { active + sealed }

  /// The bytes of memtables on their way to LMDB.
  var sealed: Int { sealedByteCount.load(ordering: .relaxed) }

  func addSealed(_ count: Int) {
    sealedByteCount.add(count, ordering: .relaxed)
  }

  func removeSealed(_ count: Int) {
    sealedByteCount.subtract(count, ordering: .relaxed)
    monitor.withLock { monitor.broadcast() }
  }

  /// Range deletes of a partition at which more of them wait for the purge worker. Other writes do not.
  static let tombstoneLimit = 4096

  /// The bytes of them at which they wait, too: an eighth of all memory, which they take beside the memtables.
  var tombstoneByteLimit: Int {
    max(byteCount / 8 / partitionCount, Self.leastByteCountPerPartition)
  }

  /// Why recovery was given up, if it was.
  var failure: StoreError? {
    hasFailed.load(ordering: .acquiring) ? trouble.withLock { $0.failure } : nil
  }

  /// A recovery whose apply failed must not wait for it forever.
  func abandon(because error: StoreError) {
    trouble.withLock { giveUp(&$0, because: error) }
    monitor.withLock { monitor.broadcast() }
  }

  /// What is sealed is not applied at present, or is again. A recovery that has no room for more
  /// ends with the reason instead of waiting for somebody to repair it.
  func setObstacle(_ error: StoreError?) {
    trouble.withLock { $0.obstacle = error }
    monitor.withLock { monitor.broadcast() }
  }

  /// The most that may be in memory while nothing is applied: deletes may pass the limit then.
  var strainedByteCount: Int { byteCount / 8 * 9 }

  private func giveUp(_ trouble: inout Trouble, because error: StoreError) {
    if trouble.failure == nil { trouble.failure = error }
    hasFailed.store(true, ordering: .releasing)
  }

  /// Whether recovery may go on although more is on its way down than it likes. What a process had in
  /// memory when it was killed on a full disk has room in that of the next.
  private func shouldStopWaiting() -> Bool {
    trouble.withLock { trouble in
      if trouble.failure != nil { return true }
      guard let obstacle = trouble.obstacle else { return false }
      if sealed > strainedByteCount { giveUp(&trouble, because: obstacle) }
      return true
    }
  }

  /// Recovery's workers fill their partitions side by side. What a process had in memory when it ended has
  /// room in that of the next, and is applied once the store is open: recovery itself does not wait for it. Where
  /// there is more, because less memory may be used than before, each worker seals its own memtable, and waits
  /// while too much is on its way down.
  func waitInRecovery(_ partition: Partition) {
    partition.countActive()
    guard inUse > byteCount else { return }
    if partition.activeByteCount > byteCount / 2 / partitionCount {
      partition.seal()
      partition.countActive()
    }
    guard inUse > strainedByteCount else { return }
    monitor.withLock {
      while inUse > strainedByteCount && sealed > 0 && !shouldStopWaiting() { monitor.wait() }
    }
  }
}
