import TxnWAL

/// How a store is created and run.
public struct StoreOptions: Sendable {
  /// The number of partitions that keys are spread over, 1 to 1024. Fixed when the store is created; a later
  /// open uses the store's own.
  public var partitionCount = 8
  /// When a write is acknowledged.
  public var durability = Durability.sync
  /// Limits the memory for data that is not in LMDB yet and for applying it, in bytes; at least 8 MiB.
  /// Batches in progress come on top of it, and memtables get 64 KiB per partition whatever it says.
  public var memoryByteCount = 160 << 20
  /// The length of a log segment, in bytes: a multiple of 4096, 64 KiB to 1 GiB. Fixed when the store is
  /// created; segments are written with zeros beforehand.
  public var segmentByteCount = 64 << 20
  /// How long the log may grow, in bytes, before the oldest data in memory is applied to LMDB to release it.
  /// Limits the time that opening takes after a crash.
  public var logByteLimit = 256 << 20
  /// How much of the log holds may keep in addition.
  public var retention = RetentionOptions()
  /// How old a snapshot may become, in whole seconds, before it expires; zero for no limit. While one is open
  /// LMDB cannot reuse pages.
  public var snapshotAgeLimit = Duration.seconds(600)
  /// How many threads apply memtables to LMDB, 1 to 64.
  public var applyThreadCount = 1

  /// Called now and then, while recovery reads the log, with the percentage that has been read.
  public var recoveryProgress: @Sendable (_ percent: Int) -> Void = { _ in }

  /// Creates the default options.
  public init() {}

  /// For a store that is being created: its first batch gets the sequence after this one.
  var sequenceAtCreation: SequenceNumber = 0

  // MARK: For tests and simulations

  /// The source of the time by which entries expire.
  package var clock = ClockSource.system

  /// Opens the log's device for the directory at a path.
  package var makeLogDevice: @Sendable (String) throws(LogError) -> any LogDevice = {
    path throws(LogError) in try DirectoryDevice(path: path)
  }
  /// The least segment length that is allowed.
  package var leastSegmentByteCount = 64 << 10
  /// Replaces what follows from `memoryByteCount`.
  package var forcedMemtableByteCount: Int?
  /// The most entries in one LMDB transaction of apply. Replaces a limit on changed pages, which depends on
  /// where LMDB finds memory.
  package var applyEntryLimit: Int?
  /// The most keys that a chunk of a range delete visits.
  package var purgeKeyLimit: Int?

  func check() throws(StoreError) {
    guard logByteLimit >= 0 else {
      throw .invalidOption("the log limit must be 0 or more bytes, not \(logByteLimit)")
    }
    guard retention.byteLimit >= 0, retention.leastFreeByteCount ?? 0 >= 0 else {
      throw .invalidOption("the limits on holds must be 0 or more bytes")
    }
    guard snapshotAgeLimit >= .zero else {
      throw .invalidOption("the snapshot age limit must not be negative: \(snapshotAgeLimit)")
    }
    guard (1...1024).contains(partitionCount) else {
      throw .invalidOption("the number of partitions must be 1 to 1024, not \(partitionCount)")
    }
    guard memoryByteCount >= 8 << 20 else {
      throw .invalidOption("memory must be at least 8 MiB, not \(memoryByteCount) bytes")
    }
    guard (leastSegmentByteCount...1 << 30).contains(segmentByteCount), segmentByteCount % 4096 == 0
    else {
      throw .invalidOption(
        "segment size must be a multiple of 4096, 64 KiB to 1 GiB, not \(segmentByteCount) bytes")
    }
    guard (1...64).contains(applyThreadCount) else {
      throw .invalidOption("the number of apply threads must be 1 to 64, not \(applyThreadCount)")
    }
  }

  /// Of the memory limit, memtables may take 12 sixteenths, kept memory of freed memtables three, and the
  /// pages that LMDB transactions change one.
  var memtableByteCount: Int { forcedMemtableByteCount ?? memoryByteCount / 16 * 12 }
  var spareByteCount: Int { memoryByteCount / 16 * 3 }

  /// LMDB keeps the memory of changed pages for the next transaction on the same file, so every file has its
  /// own share.
  ///
  /// The limit is 1.25 MiB however much memory there is: what a transaction changed is synced at once, and a
  /// sync of the log at the same time waits for all of it. Larger transactions hardly write less.
  func changedPageLimit(partitionCount: Int) -> Int {
    if applyEntryLimit != nil { return .max }
    let share = memoryByteCount / 16 / partitionCount / WriteTransaction.pageByteCount
    return min(max(64, share), 320)
  }
}
