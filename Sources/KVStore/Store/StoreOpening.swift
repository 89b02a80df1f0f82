import Base
import TxnWAL

/// Opens a store: the directory, the partitions, the log, in this order. If one of them cannot be opened,
/// closes what was opened before it.
///
///     DIR/LOCK            held by the process that has the store open
///     DIR/MANIFEST        what the store is; written last when it is created
///     DIR/CREATING        there only while a store is being created
///     DIR/BALLAST         space for deletes on a full disk; nothing depends on it
///     DIR/log/            the log
///     DIR/partition-0000/ an LMDB environment
enum StoreOpening {
  static let creatingName = "CREATING"

  struct Parts {
    let report: OpenReport
    let partitionSet: PartitionSet
    let coordinator: Coordinator
    let budget: MemoryBudget
    let options: StoreOptions
    let applyWorkers: ApplyWorkers
    let ballast: Ballast
    let manifest: ManifestKeeper
    let directoryLock: DirectoryLock
    let files: StoreFiles
  }

  static func open(at path: String, options: StoreOptions) throws(StoreError) -> Parts {
    try options.check()
    let isNewDirectory = try Files.makeDirectory(path)
    do throws(StoreError) {
      return try openLocked(at: path, options: options)
    } catch {
      if isNewDirectory { removeIfUnused(path) }
      throw error
    }
  }

  private static func openLocked(
    at path: String, options: StoreOptions
  ) throws(StoreError) -> Parts {
    let lock = try DirectoryLock(directory: path)
    while true {
      if let existing = try ManifestFile.read(in: path) {
        try StoreCreation.finish(at: path)
        return try open(existing, at: path, isNew: false, options: options, directoryLock: lock)
      }
      // Nil if another process is creating one or has created one meanwhile, though LOCK should have kept it
      // out.
      guard let manifest = try StoreCreation.make(at: path, options: options) else { continue }
      do throws(StoreError) {
        return try open(manifest, at: path, isNew: true, options: options, directoryLock: lock)
      } catch .diskFull(let full) {
        // The store is whole and has never been used, unless by a process that has it now.
        if let files = try? DataFileLocks(.exclusive, of: manifest, in: path) {
          try? StoreCreation.discard(at: path)
          files.release()
        }
        throw .diskFull(full)
      }
    }
  }

  /// Removes a directory in which no store was created.
  private static func removeIfUnused(_ path: String) {
    guard let names = try? Files.names(in: path),
      names.isEmpty || names == [DirectoryLock.name]
    else { return }
    for name in names { try? Files.remove("\(path)/\(name)") }
    try? Files.removeDirectory(path)
  }

  private static func open(
    _ manifest: Manifest, at path: String, isNew: Bool, options: StoreOptions,
    directoryLock: DirectoryLock
  ) throws(StoreError) -> Parts {
    let watermarks = Watermarks()
    let budget = MemoryBudget(
      byteCount: options.memtableByteCount, spareByteCount: options.spareByteCount,
      partitionCount: manifest.partitions.count)
    let ballast = Ballast(directory: path)
    ballast.take()
    let applyWorkers = ApplyWorkers(
      watermarks: watermarks, ballast: ballast,
      pageLimit: options.changedPageLimit(partitionCount: manifest.partitions.count),
      entryLimit: options.applyEntryLimit ?? .max)
    let hash = KeyHash(seed: UInt64.random(in: .min ... .max))
    let presence = OwnerPresence()
    var partitions: [Partition] = []
    do throws(StoreError) {
      for (index, floor) in manifest.partitions.enumerated() {
        partitions.append(
          try openPartition(
            index, floor, of: manifest, at: path, hash: hash, budget: budget, presence: presence,
            applyWorkers: applyWorkers))
      }
      OpenEnvironments.closeOnExec()
      let coordinator = try openLog(
        at: path, manifest, partitions, watermarks, applyWorkers, options)
      if let failure = budget.failure {
        try? coordinator.close()
        throw failure
      }
      return Parts(
        report: OpenReport(
          isNew: isNew, partitionCount: partitions.count,
          segmentByteCount: coordinator.segmentByteCount, recovery: coordinator.recoveryReport,
          warnings: warnings(of: path)),
        partitionSet: PartitionSet(
          partitions: partitions, hash: hash, watermarks: watermarks,
          clock: ExpiryClock(options.clock), presence: presence),
        coordinator: coordinator, budget: budget, options: options, applyWorkers: applyWorkers,
        ballast: ballast,
        manifest: ManifestKeeper(
          directory: path, manifest: manifest, partitions: partitions,
          checkpoint: coordinator.checkpoint),
        directoryLock: directoryLock,
        files: StoreFiles([path, logPath(in: path)] + partitions.map(\.environment.path)))
    } catch {
      budget.abandon(because: error)
      applyWorkers.close()
      for partition in partitions { partition.close() }
      throw error
    }
  }

  /// What a store creates is for its owner only; a directory that existed before may not be.
  private static func warnings(of path: String) -> [String] {
    guard let status = try? Files.status(of: path), status.st_mode & 0o077 != 0 else {
      return []
    }
    let mode = String(status.st_mode & 0o777, radix: 8)
    return ["\(path) is accessible to other users (mode \(mode)): run chmod 700 \(path)"]
  }

  private static func openPartition(
    _ index: Int, _ floor: Manifest.Partition, of manifest: Manifest, at path: String,
    hash: KeyHash, budget: MemoryBudget, presence: OwnerPresence, applyWorkers: ApplyWorkers
  ) throws(StoreError) -> Partition {
    let directory = partitionPath(index, in: path)
    try Files.checkFolder(directory, in: path)
    let environment = try LMDBEnvironment(
      directory: directory,
      identity: PartitionIdentity(storeID: manifest.storeID, partitionIndex: index),
      leastByteCount: floor.leastFileByteCount, partitionCount: manifest.partitions.count,
      maxReaders: 1024)
    environment.clearStaleReaders()
    let partition = try Partition(
      index: index, environment: environment, hash: hash, budget: budget, presence: presence,
      onSeal: { applyWorkers.enqueue($0) })
    guard partition.appliedAtOpen.lsn >= floor.leastAppliedLSN else {
      let applied = partition.appliedAtOpen.lsn
      partition.close()
      throw .corrupted(
        Finding(
          file: environment.path,
          expected: "an applied LSN of at least \(floor.leastAppliedLSN)",
          found: "\(applied): an older copy"))
    }
    return partition
  }

  /// Starts the apply workers first: recovery may bring more than fits into memory.
  private static func openLog(
    at path: String, _ manifest: Manifest, _ partitions: [Partition], _ watermarks: Watermarks,
    _ applyWorkers: ApplyWorkers, _ options: StoreOptions
  ) throws(StoreError) -> Coordinator {
    try Files.checkFolder(logPath(in: path), in: path)
    applyWorkers.start(threadCount: options.applyThreadCount)
    var logOptions = CoordinatorOptions()
    logOptions.segmentByteCount = Int(manifest.segmentByteCount)
    logOptions.durability = options.durability
    logOptions.watermarks = watermarks
    logOptions.retention = options.retention
    logOptions.recoveryProgress = options.recoveryProgress
    do throws(LogError) {
      return try Coordinator.open(
        on: try options.makeLogDevice(logPath(in: path)), storeID: manifest.storeID,
        participants: partitions, options: logOptions)
    } catch {
      throw StoreError(error)
    }
  }

  static func partitionPath(_ index: Int, in path: String) -> String {
    let digits = String(index)
    return "\(path)/partition-\(String(repeating: "0", count: 4 - digits.count))\(digits)"
  }

  static func logPath(in path: String) -> String { "\(path)/log" }
}

extension Store {
  /// Opens the store in the directory at `path` and recovers it, or creates a new one there.
  ///
  /// Time and memory depend only on the log since the last checkpoint. Throws `.locked` if another process
  /// has it, `.unsupportedFormat` and `.corrupted` if the files there cannot be trusted; then nothing has
  /// been changed.
  public static func open(
    at path: String, options: StoreOptions = StoreOptions()
  ) throws(StoreError) -> Store {
    Store(try StoreOpening.open(at: path, options: options))
  }
}
