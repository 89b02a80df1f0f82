import Base
import Synchronization
import TxnWAL

/// The thread that removes from LMDB what range deletes hide.
///
/// It carries them out in groups, and each group in chunks that are bounded by count and by time. The
/// position is stored in the same LMDB transaction as each chunk, so that after a crash the work continues
/// from there. Between chunks, other writers of the partition get their turn.
///
/// `@unchecked Sendable` is sound because the plain fields are accessed only inside the monitor, and `thread`
/// only by the thread that opens and closes the store.
final class PurgeWorker: @unchecked Sendable {
  private let partitionSet: PartitionSet
  private let keyLimit: Int
  private let ballast: Ballast
  private let monitor = Monitor()
  private var thread: WorkerThread?
  private var isAsked = true
  /// Whether the disk was full at the last attempt. The worker then polls, because nothing else may wake it:
  /// writers may be waiting for the very range deletes that it could not carry out.
  private var mustRetry = false
  /// Why range deletes are not carried out while the disk is full.
  let shortage = DiskShortage()
  private var isClosing = false
  private let failed: @Sendable (StoreError) -> Void
  private let progressed: @Sendable () -> Void
  private let gathered: @Sendable () -> Void
  private let scarce: @Sendable ([Partition]) -> Void
  private let ranShort: @Sendable () -> Void

  /// - Parameters:
  ///   - progressed: called after entries were removed.
  ///   - gathered: called when a partition has many range deletes that cannot be carried out before they are
  ///     sealed.
  ///   - scarce: called with partitions whose disks have little space left and whose range deletes would free
  ///     some once they are sealed.
  ///   - ranShort: called when the disk has no space for the worker; `shortage` reports it from then on.
  ///   - failed: called when nothing more can be carried out.
  init(
    partitionSet: PartitionSet, ballast: Ballast, keyLimit: Int = PurgeChunk.keyLimit,
    progressed: @escaping @Sendable () -> Void,
    gathered: @escaping @Sendable () -> Void,
    scarce: @escaping @Sendable ([Partition]) -> Void,
    ranShort: @escaping @Sendable () -> Void,
    failed: @escaping @Sendable (StoreError) -> Void
  ) {
    self.partitionSet = partitionSet
    self.keyLimit = keyLimit
    self.ballast = ballast
    self.progressed = progressed
    self.gathered = gathered
    self.scarce = scarce
    self.ranShort = ranShort
    self.failed = failed
  }

  func start() {
    thread = WorkerThread(name: "kvd-purge") { self.run() }
  }

  /// Stops the thread after the current chunk.
  func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
  }

  /// Wakes the worker: there may be a range delete to carry out.
  func wake() {
    monitor.withLock {
      isAsked = true
      monitor.broadcast()
    }
  }

  private func run() {
    var groups: [Int: PurgeGroup] = [:]
    while waitForWork() {
      var didSome = true
      while didSome, !shouldStop {
        didSome = false
        for partition in partitionSet.partitions where !shouldStop {
          if purgeChunk(of: partition, &groups[partition.index]) { didSome = true }
        }
        if didSome { progressed() }
      }
      if !shouldStop, partitionSet.partitions.contains(where: \.shouldSealForTombstones) {
        gathered()
      }
      let short = partitionSet.partitions.filter { !shouldStop && $0.shouldSealForDiskSpace }
      if !short.isEmpty { scarce(short) }
    }
  }

  private var shouldStop: Bool { monitor.withLock { isClosing } }

  private func waitForWork() -> Bool {
    monitor.withLock {
      if mustRetry && !isClosing {
        monitor.wait(milliseconds: RetryPause.pollMilliseconds)
      } else {
        while !isAsked && !isClosing { monitor.wait() }
      }
      isAsked = false
      mustRetry = false
      return !isClosing
    }
  }

  private func run(
    _ chunk: PurgeChunk, _ group: PurgeGroup?
  ) throws(StoreError) -> PurgeChunk.Outcome {
    do throws(StoreError) {
      return try chunk.run(group)
    } catch {
      guard error.isDiskFull, ballast.release() else { throw error }
      return try chunk.run(group)
    }
  }

  /// Carries out one chunk of the partition's current group, or of the oldest range deletes that LMDB has.
  /// Returns false if there are none, or if they cannot be continued at present.
  private func purgeChunk(of partition: Partition, _ group: inout PurgeGroup?) -> Bool {
    let tombstones = partition.layers.tombstones
    if tombstones.isEmpty || partition.environment.damage != nil {
      shortage.ended(partition.index)
      return false
    }
    if tombstones.newestSequence(upTo: partition.applied.rawValue) == 0 { return false }
    guard
      shortage.mayTry(
        partition.index, at: MonotonicTime.now, available: partition.availableByteCount)
    else {
      monitor.withLock { mustRetry = true }
      return false
    }
    do throws(StoreError) {
      let chunk = PurgeChunk(partition: partition, keyLimit: keyLimit)
      switch try run(chunk, group) {
      case .nothing:
        shortage.ended(partition.index)
        return false
      case .paused(let paused): group = paused
      case .finished(let last):
        group = nil
        partition.dropTombstones(through: last)
      }
      shortage.ended(partition.index)
      CrashPoint.reached(.purgeAfterDrop)
      return true
    } catch {
      // The group is read from the file again: the chunk was written as a whole, or not at all.
      group = nil
      if partition.environment.damage != nil {
        shortage.ended(partition.index)
        return false
      }
      if error.isDiskFull {
        let isNew = shortage.failed(
          partition.index, because: error, at: MonotonicTime.now,
          available: partition.availableByteCount)
        monitor.withLock { mustRetry = true }
        if isNew { ranShort() }
      } else {
        failed(error)
      }
      return false
    }
  }
}
