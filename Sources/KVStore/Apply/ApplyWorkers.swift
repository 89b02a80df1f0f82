import Base
import Synchronization
import TxnWAL

/// The threads that carry sealed memtables into LMDB, one partition each at a time.
///
/// Only what is durable in the log is applied: LMDB must never know of a batch that the log may lose.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor, `threads` only
/// by the thread that opens and closes the store.
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
  /// What is under way, by partition.
  private var busy: [Int: Attempt] = [:]
  private var waitCount = 0
  /// The greatest `Attempt.waitCount` of one that found no room.
  private var fullDiskWaitCount = 0
  private var threads: [WorkerThread] = []
  private var isClosing = false
  private let shortage = DiskShortage()
  private var fatal: StoreError?
  private let handlers = Lock(Handlers())

  private struct Attempt {
    /// How many calls of `wait` came before it.
    let waitCount: Int
    /// The position of the first batch in the memtable.
    let first: LSN
  }

  /// What others do about things that happen here; set once the log is open.
  struct Handlers {
    /// A memtable of this partition is in LMDB, or its disk is full.
    var applied: @Sendable (Partition) -> Void = { _ in }
    /// Nothing can be applied any more.
    var failed: @Sendable (StoreError) -> Void = { _ in }
    /// A partition's file is damaged: what it lacks stays in memory and in the log.
    var damaged: @Sendable (Partition) -> Void = { _ in }
  }

  /// - Parameters:
  ///   - pageLimit: the pages that one LMDB transaction may change.
  ///   - entryLimit: the entries that it may write.
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

  /// Ends the threads; what is sealed and not applied stays in the log.
  func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    for thread in threads { thread.join() }
    threads = []
    // They hold the store, which holds this.
    handlers.withLock { $0 = Handlers() }
    monitor.withLock { queue = [] }
  }

  /// Why writes must wait for room on the disk, if they must.
  var diskFull: StoreError? { shortage.error }

  /// Whether `diskFull` has anything to say.
  var hasFullDisk: Bool { shortage.isThere }

  /// A memtable of `partition` was sealed.
  func enqueue(_ partition: Partition) {
    monitor.withLock {
      queue.append(partition)
      // Pairs with `wake`: a worker sees how far the log is durable by now, or `wake` sees the queue.
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      monitor.broadcast()
    }
  }

  /// The log has become durable further on. After every group: so nobody is woken for nothing.
  func wake() {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if queuedCount.load(ordering: .relaxed) == 0 { return }
    monitor.withLock { monitor.broadcast() }
  }

  /// Something was removed from the files, whose pages may be what a memtable needs that found no room.
  func pagesWereFreed() {
    guard hasFullDisk else { return }
    shortage.retryNow()
    monitor.withLock { monitor.broadcast() }
  }

  /// Waits until LMDB has everything of `partitions` up to `lsn`, all of which is sealed. What others
  /// seal meanwhile is not waited for, or a busy store would never get there.
  ///
  /// On a full disk it is tried once more: there may be room since the last attempt.
  func wait(for partitions: [Partition], upTo lsn: LSN) throws(StoreError) {
    try monitor.withLock { () throws(StoreError) in
      waitCount += 1
      let number = waitCount
      shortage.retryNow()
      monitor.broadcast()
      while true {
        // While an attempt is under way its memtable may have left the layers, and the partition not said yet that it
        // is applied: a checkpoint would not count it.
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
      // What is kept for deletes must not go to what fills the disk still more.
      guard error.isDiskFull, apply.onlyFrees, ballast.release() else { throw error }
      try apply.run()
    }
  }

  /// The next memtable whose every batch is durable. Two of one partition are never under way at once.
  private func take() -> (Partition, MemtableLayer)? {
    while true {
      // Asked outside of the monitor: it is file systems that answer.
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

  /// The room on the disks of what waits, by partition.
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
          // The memtable stays; it is tried again while writes are refused, after those of others, which may
          // be what frees room.
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
