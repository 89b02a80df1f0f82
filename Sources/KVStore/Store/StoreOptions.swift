import TxnWAL

/// How a store is made and run.
public struct StoreOptions: Sendable {
  /// Into how many parts the keys are spread, 1 to 1024. Fixed when the store is made; a later open
  /// takes the store's own.
  public var partitionCount = 8
  /// When a write is acknowledged.
  public var durability = Durability.sync
  /// Bounds the memory for what is not in LMDB yet and for carrying it there, in bytes, 8 MiB at least.
  /// Batches under way come on top of it, and memtables get 64 KiB a partition whatever it says.
  public var memoryByteCount = 160 << 20
  /// The length of a log segment, in bytes: a multiple of 4096, 64 KiB to 1 GiB. Fixed when the store is
  /// made, and written with zeros then.
  public var segmentByteCount = 64 << 20
  /// How long the log may grow before what is oldest in memory is carried into LMDB to let go of it, in
  /// bytes. It bounds the time that opening takes after a crash.
  public var logByteLimit = 256 << 20
  /// How old a snapshot may become, in whole seconds, before the store ends it; zero for any age. While one is
  /// open LMDB cannot reuse pages.
  public var snapshotAgeLimit = Duration.seconds(600)
  /// How many threads carry memtables into LMDB.
  public var applyThreadCount = 1

  /// Told now and then, while recovery reads the log, how many percent of it are read.
  public var recoveryProgress: @Sendable (_ percent: Int) -> Void = { _ in }

  /// The defaults.
  public init() {}

  /// In a store that is made: its first batch gets the sequence behind this one.
  var sequenceAtCreation: SequenceNumber = 0

  // MARK: For tests and simulations

  /// Where the time comes from by which entries expire.
  package var clock = ClockSource.system

  /// Opens the log's device for the folder at a path.
  package var makeLogDevice: @Sendable (String) throws(LogError) -> any LogDevice = {
    path throws(LogError) in try DirectoryDevice(path: path)
  }
  /// Segments as small as this are allowed.
  package var leastSegmentByteCount = 64 << 10
  /// In place of what follows from `memoryByteCount`.
  package var forcedMemtableByteCount: Int?
  /// The entries of one LMDB transaction of apply, in place of a limit on changed pages, which depends
  /// on where LMDB finds memory.
  package var applyEntryLimit: Int?
  /// The keys that a chunk of a range delete looks at.
  package var purgeKeyLimit: Int?

  func check() throws(StoreError) {
    guard logByteLimit >= 0 else {
      throw .invalidOption("the log's limit is a number of bytes, not \(logByteLimit)")
    }
    guard snapshotAgeLimit >= .zero else {
      throw .invalidOption("a snapshot's age limit is not negative, as \(snapshotAgeLimit) is")
    }
    guard (1...1024).contains(partitionCount) else {
      throw .invalidOption("a store has 1 to 1024 partitions, not \(partitionCount)")
    }
    guard memoryByteCount >= 8 << 20 else {
      throw .invalidOption("memory must be 8 MiB at least, not \(memoryByteCount) bytes")
    }
    guard (leastSegmentByteCount...1 << 30).contains(segmentByteCount), segmentByteCount % 4096 == 0
    else {
      throw .invalidOption(
        "a segment is a multiple of 4096 bytes from 64 KiB to 1 GiB, not \(segmentByteCount) bytes")
    }
    guard (1...64).contains(applyThreadCount) else {
      throw .invalidOption("1 to 64 apply threads, not \(applyThreadCount)")
    }
  }

  /// Of the memory, memtables may take 12 sixteenths; three are kept of memtables that are gone; the pages that
  /// LMDB transactions change may take one.
  var memtableByteCount: Int { forcedMemtableByteCount ?? memoryByteCount / 16 * 12 }
  var spareByteCount: Int { memoryByteCount / 16 * 3 }

  /// LMDB keeps the memory of changed pages for the next transaction on the same file, so every file has
  /// a share of its own.
  ///
  /// The limit is 1.25 MiB however much memory there is: what a transaction changed is synced at once, and a
  /// sync of the log that meets it waits for all of it. Larger ones hardly write less.
  func changedPageLimit(partitionCount: Int) -> Int {
    if applyEntryLimit != nil { return .max }
    let share = memoryByteCount / 16 / partitionCount / WriteTransaction.pageByteCount
    return min(max(64, share), 320)
  }
}
