import Base
import Synchronization
import TxnWAL

/// A partitioned key-value store. Changes to any number of keys and partitions are atomic, all changes have
/// one order, and what is acknowledged is durable.
///
/// Keys are 0 to 500 bytes and values up to 64 MiB, of any bytes. Every method may be called from any thread. Close the store when done;
/// until then its threads keep it alive.
public final class Store: Sendable {
  /// What opening the store found and did.
  public let openReport: OpenReport

  let partitionSet: PartitionSet
  let coordinator: Coordinator
  let budget: MemoryBudget
  let options: StoreOptions
  let applyWorkers: ApplyWorkers
  let purgeWorker: PurgeWorker
  let ballast: Ballast
  let openSnapshots: OpenSnapshots
  let manifest: ManifestKeeper
  let files: StoreFiles
  private let directoryLock: DirectoryLock
  /// Used only inside `Coordinator.sequence`.
  let evaluations: EvaluationContext
  let upkeep: Upkeep
  let room = RoomSignal()
  let commitThread = CommitThread()
  private let isClosed = Atomic<Bool>(false)
  /// Whether callers no longer wait for range deletes.
  let isStopping = Atomic<Bool>(false)

  init(_ parts: StoreOpening.Parts) {
    openReport = parts.report
    partitionSet = parts.partitionSet
    coordinator = parts.coordinator
    budget = parts.budget
    options = parts.options
    applyWorkers = parts.applyWorkers
    manifest = parts.manifest
    files = parts.files
    ballast = parts.ballast
    let openSnapshots = OpenSnapshots(ageLimit: parts.options.snapshotAgeLimit)
    self.openSnapshots = openSnapshots
    directoryLock = parts.directoryLock
    evaluations = EvaluationContext(partitionSet: parts.partitionSet)
    upkeep = Upkeep(
      partitionSet: partitionSet, budget: budget, coordinator: coordinator, options: options)
    let coordinator = parts.coordinator
    let upkeep = self.upkeep
    let applyWorkers = parts.applyWorkers
    let room = self.room
    purgeWorker = PurgeWorker(
      partitionSet: parts.partitionSet, ballast: parts.ballast,
      keyLimit: parts.options.purgeKeyLimit ?? PurgeChunk.keyLimit,
      progressed: {
        openSnapshots.expire()
        applyWorkers.pagesWereFreed()
        coordinator.notifyObservers()
      },
      gathered: { coordinator.sequence { _ in upkeep.sendDownGatheredRangeDeletes() } },
      scarce: { short in coordinator.sequence { _ in upkeep.sendDownRangeDeletes(of: short) } },
      ranShort: { coordinator.notifyObservers() },
      failed: { coordinator.poison(because: "a range delete failed: \($0)") })
    for partition in partitionSet.partitions { partition.preconditions = evaluations.preconditions }
    ClockRecord.restore(partitionSet.clock, from: evaluations.reader)
    start(room)
  }

  private func start(_ room: RoomSignal) {
    let applyWorkers = applyWorkers
    coordinator.observe {
      applyWorkers.wake()
      room.tell()
    }
    applyWorkers.setHandlers(
      ApplyWorkers.Handlers(
        applied: { self.memtableApplied(of: $0) },
        failed: { error in
          self.coordinator.poison(because: "applying the log to LMDB failed: \(error)")
        },
        damaged: { partition in
          partition.uncountSealed()
          self.coordinator.notifyObservers()
        }))
    for partition in partitionSet.partitions where partition.environment.damage != nil {
      partition.uncountSealed()
    }
    purgeWorker.start()
    // Recovery may have brought more than may stay in memory. No batch is admitted until enough of it is
    // applied.
    let reader = evaluations.reader
    coordinator.sequence { sequencer in
      // What evaluations read with is kept from one to the next, but never while the store is idle: it keeps
      // memory and LMDB's pages from being reused.
      sequencer.onGroupTaken = { reader.end() }
      upkeep.checkLimits(sequencer.lastPosition)
      upkeep.sendDownRangeDeletes()
    }
  }

  /// Runs on an apply worker's thread, when a memtable is in LMDB.
  private func memtableApplied(of partition: Partition) {
    // The log keeps a failure, and refuses writes because of it.
    try? coordinator.checkpoint(waiting: false)
    try? manifest.noteProgress(of: coordinator.checkpoint)
    if applyWorkers.diskFull == nil { ballast.take() }
    openSnapshots.expire()
    purgeWorker.wake()
    coordinator.notifyObservers()
  }

  // MARK: Closing

  /// Applies everything to LMDB, takes a checkpoint and releases the directory. Calls in progress must have
  /// returned; later ones throw `.closed`. A second call does nothing. A snapshot that is still open stays
  /// valid; until it is closed, this process cannot open the store again.
  ///
  /// Whatever is thrown, the store is closed afterwards, and the log still holds everything acknowledged.
  /// Throws `.poisoned` if writes were refused before.
  public func close() throws(StoreError) {
    // Before waiting for the commit thread, which may be waiting for the sequencer.
    coordinator.requireOutsideSequence()
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    stopWaiting()
    commitThread.close()
    var failure = poisoned
    do throws(StoreError) {
      if failure == nil { try takeCheckpoint() }
    } catch {
      failure = error
    }
    purgeWorker.close()
    do throws(StoreError) {
      try translatingLogErrors { () throws(LogError) in try coordinator.close() }
    } catch {
      failure = failure ?? error
    }
    applyWorkers.close()
    evaluations.reader.close()
    for partition in partitionSet.partitions {
      partition.preconditions = nil
      partition.close()
    }
    directoryLock.release()
    if let failure { throw failure }
  }

  /// From here on no caller waits for space on a full disk, or for range deletes to be carried out: what
  /// cannot be written at once is refused. Call it before closing the store, so that the last writers finish.
  public func stopWaiting() {
    isStopping.store(true, ordering: .relaxed)
    coordinator.stopWaiting()
    room.tell()
  }

  func checkOpen() throws(StoreError) {
    if isClosed.load(ordering: .acquiring) { throw .closed }
  }

  /// Seals what is in memory, so that it is applied to LMDB, without waiting for that.
  package func seal() {
    coordinator.sequence { _ in
      for partition in partitionSet.partitions { partition.seal() }
    }
  }

  /// The newest sequence that readers see.
  package var publishedSequence: SequenceNumber { partitionSet.watermarks.published }

  // MARK: State

  /// The time by which entries expire, in milliseconds since 1970. It follows the system clock forward, and
  /// never goes back.
  public var now: UInt64 { partitionSet.clock.now }

  /// Whether entries that own others may be stored: one was there at open, or was written since. While it is
  /// false, a put replaces nothing that owns others.
  package var mayHoldOwners: Bool { partitionSet.mayHoldOwners }

  /// Why writes are refused, once a write to the log or to LMDB has failed. Open the store again to recover.
  public var poisoned: StoreError? { coordinator.poisoned.map { StoreError($0) } }

  /// A batch is durable if the position in its receipt is not greater than this.
  public var durablePosition: UInt64 { partitionSet.watermarks.acknowledged.rawValue }

  /// Everything before this position has survived a sync, whatever the durability.
  package var syncedPosition: UInt64 { partitionSet.watermarks.durable.rawValue }

  /// Calls `notify`, from any thread, whenever `durablePosition` has moved, memory has become free, or the
  /// store was poisoned. It must not block.
  public func observe(_ notify: @escaping @Sendable () -> Void) {
    coordinator.observe(notify)
  }

  // MARK: Checkpoints

  /// Applies everything committed so far to LMDB, and releases the log before it. Durable on return. O(bytes
  /// in memory). Throws `.diskFull` and `.poisoned`.
  public func checkpoint() throws(StoreError) {
    try checkOpen()
    try takeCheckpoint()
  }

  private func takeCheckpoint() throws(StoreError) {
    let end = coordinator.sequence { sequencer in
      for partition in partitionSet.partitions { partition.seal() }
      return sequencer.appended
    }
    try translatingLogErrors { () throws(LogError) in try coordinator.waitUntilDurable(end) }
    applyWorkers.wake()
    try applyWorkers.wait(for: partitionSet.partitions, upTo: end)
    try translatingLogErrors { () throws(LogError) in try coordinator.checkpoint(waiting: true) }
    try manifest.write()
  }
}
