import Base
import Synchronization
import TxnWAL

/// The thread that removes from LMDB what range deletes hide.
///
/// It carries them out in groups, and each group in chunks that are bounded by count and by time. How far it
/// came is stored in the same LMDB transaction as each chunk, so that after a crash it goes on where it was.
/// Between chunks other writers of the partition have their turn.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor, `thread` only
/// by the thread that opens and closes the store.
final class PurgeWorker: @unchecked Sendable {
  private let keyspace: Keyspace
  private let keyLimit: Int
  private let ballast: Ballast
  private let monitor = Monitor()
  private var thread: WorkerThread?
  private var isAsked = true
  /// Whether the disk was full at the last try. Nobody may be left to wake the worker then: writers
  /// may be waiting for the very range deletes that it could not carry out.
  private var mustRetry = false
  /// Why range deletes are not carried out, where the disk is full.
  let shortage = DiskShortage()
  private var isClosing = false
  private let failed: @Sendable (StoreError) -> Void
  private let progressed: @Sendable () -> Void
  private let gathered: @Sendable () -> Void
  private let scarce: @Sendable ([Partition]) -> Void
  private let ranShort: @Sendable () -> Void

  /// - Parameters:
  ///   - progressed: some were carried out.
  ///   - gathered: a partition has many that cannot be carried out before they are sealed.
  ///   - scarce: these partitions have some that would free room, which their disks have little of, once they are sealed.
  ///   - ranShort: the disk has no room for it, as `shortage` says from now on.
  ///   - failed: nothing can be carried out any more.
  init(
    keyspace: Keyspace, ballast: Ballast, keyLimit: Int = PurgeChunk.keyLimit,
    progressed: @escaping @Sendable () -> Void,
    gathered: @escaping @Sendable () -> Void,
    scarce: @escaping @Sendable ([Partition]) -> Void,
    ranShort: @escaping @Sendable () -> Void,
    failed: @escaping @Sendable (StoreError) -> Void
  ) {
    self.keyspace = keyspace
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

  /// Ends the thread after the chunk that is under way.
  func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
  }

  /// There may be a range delete to carry out.
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
        for partition in keyspace.partitions where !shouldStop {
          if purgeChunk(of: partition, &groups[partition.index]) { didSome = true }
        }
        if didSome { progressed() }
      }
      if !shouldStop, keyspace.partitions.contains(where: \.hasGatheredTombstones) { gathered() }
      let short = keyspace.partitions.filter { !shouldStop && $0.hasScarceTombstones }
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

  /// One chunk of the group that is under way in a partition, or of its oldest range deletes that LMDB knows of.
  /// False if there are none, or they cannot be gone on with now.
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
      // Read again from the file: all of the chunk is there, or nothing.
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
