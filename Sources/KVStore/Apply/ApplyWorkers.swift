import Base
import Synchronization
import TxnWAL

/// The threads that apply sealed memtables to LMDB. Each works on one partition at a time.
///
/// Only batches that are durable in the log are applied: LMDB must never hold a batch that the log may lose.
///
/// `@unchecked Sendable` is sound because the plain fields are accessed only inside the monitor, and
/// `threads` only by the thread that opens and closes the store.
final class ApplyWorkers: @unchecked Sendable {
  private let watermarks: Watermarks
  private let pageLimit: Int
  private let entryLimit: Int
  private let ballast: Ballast
  private let monitor = Monitor()
  private var queue: [Partition] = [] {
    didSet { queuedCount.store(queue.count, ordering: .relaxed) }
  }
  private let queuedCount = Atomic<Int>(0)
  /// The applies in progress, by partition index.
  private var busy: [Int: Attempt] = [:]
  private var waitCount = 0
  /// The greatest `Attempt.waitCount` of an attempt that found the disk full.
  private var fullDiskWaitCount = 0
  private var threads: [WorkerThread] = []
  private var isClosing = false
  private let shortage = DiskShortage()
  private var fatal: StoreError?
  private let handlers = Lock(Handlers())

  private struct Attempt {
    /// The number of calls of `wait` before the attempt began.
    let waitCount: Int
    /// The end position of the memtable's first batch.
    let first: LSN
  }

  /// Callbacks for events in the workers; set once the log is open.
  struct Handlers {
    /// A memtable of this partition was applied to LMDB, or the partition's disk is full.
    var applied: @Sendable (Partition) -> Void = { _ in }
    /// Apply failed, and nothing more can be applied.
    var failed: @Sendable (StoreError) -> Void = { _ in }
    /// This partition's file is damaged. What it has not applied stays in memory and in the log.
    var damaged: @Sendable (Partition) -> Void = { _ in }
  }

  /// - Parameters:
  ///   - pageLimit: the most pages that one LMDB transaction may change.
  ///   - entryLimit: the most entries that one LMDB transaction may write.
  init(watermarks: Watermarks, ballast: Ballast, pageLimit: Int, entryLimit: Int = .max) {
    self.ballast = ballast
    self.watermarks = watermarks
    self.pageLimit = pageLimit
    self.entryLimit = entryLimit
  }

  func start(threadCount: Int) {
    threads = (0..<threadCount).map { index in
      WorkerThread(name: "kvd-apply-\(index)") { self.run() }
    }
  }

  func setHandlers(_ new: Handlers) {
    handlers.withLock { $0 = new }
    if let fatal = monitor.withLock({ fatal }) { new.failed(fatal) }
  }

  /// Stops the threads. Sealed memtables that are not applied stay in the log.
  func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    for thread in threads { thread.join() }
    threads = []
    // The handlers retain the store, which retains this object.
    handlers.withLock { $0 = Handlers() }
    monitor.withLock { queue = [] }
  }

  /// Why writes must wait for disk space; nil if they need not.
  var diskFull: StoreError? { shortage.error }

  /// Whether `diskFull` is not nil.
  var hasFullDisk: Bool { shortage.isThere }

  /// Queues `partition`, which has sealed a memtable.
  func enqueue(_ partition: Partition) {
    monitor.withLock {
      queue.append(partition)
      // Pairs with the fence in `wake`: either a worker sees the latest durable LSN, or `wake` sees the queue.
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      monitor.broadcast()
    }
  }

  /// Called after every group, when the log's durable LSN has advanced. Wakes the workers only if something is queued.
  func wake() {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if queuedCount.load(ordering: .relaxed) == 0 { return }
    monitor.withLock { monitor.broadcast() }
  }

  /// Called after entries were removed from the files. A memtable that found no space may use the freed pages.
  func pagesWereFreed() {
    guard hasFullDisk else { return }
    shortage.retryNow()
    monitor.withLock { monitor.broadcast() }
  }

  /// Waits until LMDB holds everything of `partitions` up to `lsn`, all of which must be sealed. It does not
  /// wait for memtables that are sealed meanwhile: in a busy store it would never return.
  ///
  /// If the disk is full, apply is tried once more, because space may have become free since the last attempt.
  func wait(for partitions: [Partition], upTo lsn: LSN) throws(StoreError) {
    try monitor.withLock { () throws(StoreError) in
      waitCount += 1
      let number = waitCount
      shortage.retryNow()
      monitor.broadcast()
      while true {
        // During an attempt, its memtable may already be out of the layers while the partition does not yet
        // report it as applied: a checkpoint would not count it.
        let behind = partitions.filter { partition in
          partition.hasSealed(before: lsn) || busy[partition.index].map { $0.first <= lsn } ?? false
        }
        if behind.isEmpty { return }
        if let fatal { throw fatal }
        if let full = shortage.error, fullDiskWaitCount >= number { throw full }
        let damages = behind.compactMap { $0.environment.damage }
        if damages.count == behind.count { throw damages[0] }
        if isClosing { throw .closed }
        monitor.wait()
      }
    }
  }

  private func run() {
    while let (partition, layer) = take() {
      let failure: StoreError?
      do throws(StoreError) {
        try apply(layer, to: partition)
        failure = nil
      } catch {
        failure = error
      }
      finish(partition, failure)
    }
  }

  private func apply(_ layer: MemtableLayer, to partition: Partition) throws(StoreError) {
    let apply = MemtableApply(
      partition: partition, layer: layer, durable: watermarks.durable, pageLimit: pageLimit,
      entryLimit: entryLimit)
    do throws(StoreError) {
      try apply.run()
    } catch {
      // The space reserved for deletes must not go to an apply that fills the disk further.
      guard error.isDiskFull, apply.onlyFrees, ballast.release() else { throw error }
      try apply.run()
    }
  }

  /// Waits for the next memtable whose batches are all durable; nil when closing. It never returns a memtable
  /// of a partition for which another is being applied.
  private func take() -> (Partition, MemtableLayer)? {
    while true {
      // Determined outside the monitor, because it queries file systems.
      let available = hasFullDisk ? availableByteCounts() : [:]
      let ready = monitor.withLock { () -> (Partition, MemtableLayer)?? in
        if isClosing { return .some(nil) }
        if fatal == nil, let ready = takeReady(available) { return ready }
        if hasFullDisk {
          monitor.wait(milliseconds: RetryPause.pollMilliseconds)
        } else {
          monitor.wait()
        }
        return nil
      }
      if let ready { return ready }
    }
  }

  /// The free bytes on the disks of the queued partitions, by partition index.
  private func availableByteCounts() -> [Int: UInt64] {
    var found: [Int: UInt64] = [:]
    for partition in monitor.withLock({ queue }) where found[partition.index] == nil {
      found[partition.index] = partition.availableByteCount
    }
    return found
  }

  private func takeReady(_ available: [Int: UInt64]) -> (Partition, MemtableLayer)? {
    for (place, partition) in queue.enumerated() where busy[partition.index] == nil {
      let index = partition.index
      guard shortage.mayTry(index, at: MonotonicTime.now, available: available[index] ?? 0) else {
        continue
      }
      guard let layer = partition.nextToApply, let first = layer.firstPosition,
        let last = layer.lastPosition, last.end <= watermarks.durable
      else { continue }
      queue.remove(at: place)
      busy[index] = Attempt(waitCount: waitCount, first: first.end)
      return (partition, layer)
    }
    return nil
  }

  private func finish(_ partition: Partition, _ failure: StoreError?) {
    let available = failure?.isDiskFull == true ? partition.availableByteCount : 0
    let isDamaged = failure != nil && partition.environment.damage != nil
    monitor.withLock {
      let waitCount = busy.removeValue(forKey: partition.index)?.waitCount ?? 0
      if let failure, !isDamaged {
        if failure.isDiskFull {
          // The memtable stays. It is tried again while writes are refused, after those of other partitions,
          // because applying them may free space.
          fullDiskWaitCount = max(fullDiskWaitCount, waitCount)
          _ = shortage.failed(
            partition.index, because: failure, at: MonotonicTime.now, available: available)
          queue.append(partition)
        } else {
          fatal = failure
        }
      } else {
        shortage.ended(partition.index)
      }
      monitor.broadcast()
    }
    partition.budget.setObstacle(failure)
    let handlers = handlers.withLock { $0 }
    if isDamaged {
      handlers.damaged(partition)
    } else if let failure, !failure.isDiskFull {
      partition.budget.abandon(because: failure)
      handlers.failed(failure)
    } else {
      handlers.applied(partition)
    }
  }
}

extension StoreError {
  var isDiskFull: Bool {
    if case .diskFull = self { true } else { false }
  }
}
