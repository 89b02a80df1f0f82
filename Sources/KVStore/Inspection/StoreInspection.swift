import Base
import Glibc
import TxnWAL

/// A store as tools see it: everything read-only, also beside a process that has it open.
public struct StoreInspection: Sendable {
  /// The store's directory.
  public let path: String
  let manifest: Manifest
  /// For simulations: opens the log's device for the folder at a path.
  package var makeLogDevice: @Sendable (String) throws(LogError) -> any LogDevice = {
    DirectoryDevice(readingAt: $0)
  }

  /// For simulations: which maps' fields have no record, by the ids in their keys.
  package var isExpectedUnowned: @Sendable ([UInt8]) -> Bool = { _ in false }

  /// Reads the manifest of the store at `path`. Throws where there is none, and where it is damaged or
  /// of another format.
  public init(at path: String) throws(StoreError) {
    self.path = path
    guard FileIdentity(at: path) != nil || !Files.isMissing(path) else {
      throw .noStore(path: path, found: "no such directory")
    }
    guard let manifest = try Self.manifest(at: path) else {
      let remains = try StoreCreation.remains(at: path)
      guard let first = remains.first else {
        throw .noStore(path: path, found: "the directory has no \(ManifestFile.name)")
      }
      throw .corrupted(
        Finding(
          file: "\(path)/\(ManifestFile.name)", expected: "the manifest of the store here",
          found: "no such file beside \(first)"))
    }
    self.manifest = manifest
  }

  /// Looks whether this user may read all that the tools read, so that what it may not is told as such and
  /// not taken for damage.
  ///
  /// - Throws: `.io` with what is wrong with the first file that cannot be opened; `.locked` where this user
  ///   could read only a store that no process has open, and one has it. Missing files are none of its
  ///   business.
  public func checkAccess() throws(StoreError) {
    try checkAccess(toFilesIn: StoreOpening.logPath(in: path))
    for index in 0..<partitionCount {
      let folder = StoreOpening.partitionPath(index, in: path)
      let data = "\(folder)/\(LMDBFile.dataName)"
      guard let file = try openIfThere(data, O_RDONLY) else { continue }
      guard try LMDBAccess.forReading(folder) == .quiet else { continue }
      do throws(StoreError) {
        try LMDBAccess.quiet.lock(file)
      } catch .locked {
        // In use: then a reader has to enter itself in LMDB's lock file.
        try Files.checkMayWrite("\(folder)/\(LMDBFile.lockName)")
      }
      FileLock.release(file)
    }
  }

  private func checkAccess(toFilesIn folder: String) throws(StoreError) {
    guard try openIfThere(folder, O_RDONLY | O_DIRECTORY) != nil else { return }
    for name in try Files.names(in: folder) {
      _ = try openIfThere("\(folder)/\(name)", O_RDONLY)
    }
  }

  private func openIfThere(_ path: String, _ flags: Int32) throws(StoreError) -> FileDescriptor? {
    do throws(StoreError) {
      return try Files.open(path, flags)
    } catch {
      // A link is told by what needs the file.
      guard case .io(let failure) = error, [ENOENT, ELOOP].contains(failure.errno) else {
        throw error
      }
      return nil
    }
  }

  private static func manifest(at path: String) throws(StoreError) -> Manifest? {
    do throws(StoreError) {
      return try ManifestFile.read(in: path)
    } catch .io(let failure) where failure.errno == ENOTDIR {
      throw .noStore(path: path, found: "it is not a directory")
    }
  }

  /// The random name of the store.
  public var storeID: String { "\(manifest.storeID)" }

  /// How many partitions it has.
  public var partitionCount: Int { manifest.partitions.count }

  /// Its log, from the checkpoint on.
  public func log() throws(StoreError) -> LogInspector {
    try Files.checkFolder(StoreOpening.logPath(in: path), in: path)
    return try translatingLogErrors { () throws(LogError) in
      try LogInspector(
        on: makeLogDevice(StoreOpening.logPath(in: path)),
        storeID: manifest.storeID)
    }
  }

  /// Partition `index`, its file open for reading.
  ///
  /// - Parameter access: nil for how this user can read it.
  func environment(
    _ index: Int, _ access: LMDBAccess? = nil
  ) throws(StoreError) -> LMDBEnvironment {
    let directory = StoreOpening.partitionPath(index, in: path)
    try Files.checkFolder(directory, in: path)
    let access = if let access { access } else { try LMDBAccess.forReading(directory) }
    return try LMDBEnvironment(
      directory: directory,
      identity: PartitionIdentity(storeID: manifest.storeID, partitionIndex: index),
      leastByteCount: manifest.partitions[index].leastFileByteCount,
      partitionCount: partitionCount, maxReaders: 1024, access: access)
  }

  /// A partition in numbers. O(transactions whose freed pages are not in use again).
  public func partition(_ index: Int) throws(StoreError) -> PartitionSummary {
    try partition(index, nil)
  }

  func partition(_ index: Int, _ access: LMDBAccess?) throws(StoreError) -> PartitionSummary {
    let environment = try environment(index, access)
    defer { environment.close() }
    let reader = try environment.makeReader()
    let applied = try reader.appliedState()
    let statistics = try reader.statistics()
    return PartitionSummary(
      index: index, appliedLSN: applied.lsn, appliedSequence: applied.sequence,
      entryCount: statistics.entryCount, tombstoneCount: try reader.tombstones().count,
      fileByteCount: statistics.fileByteCount, pageCount: statistics.pageCount,
      freePageCount: statistics.freePageCount, depth: statistics.depth,
      readerSlotCount: statistics.readerSlotsUsed, readerSlotLimit: statistics.readerSlots)
  }
}

/// A partition's file in numbers.
public struct PartitionSummary: Sendable, Equatable {
  /// Which one, from 0.
  public let index: Int
  /// The file holds everything that the log had before this position.
  public let appliedLSN: UInt64
  /// The sequence of the newest batch that is completely in it.
  public let appliedSequence: UInt64
  /// The entries, those under range deletes included.
  public let entryCount: Int
  /// Range deletes that are being carried out.
  public let tombstoneCount: Int
  /// The length of the file in bytes.
  public let fileByteCount: Int
  /// The pages up to the last one ever used.
  public let pageCount: Int
  /// Those of them that are free.
  public let freePageCount: Int
  /// The depth of the tree of entries.
  public let depth: Int
  /// Reader slots ever used at one time.
  public let readerSlotCount: Int
  /// Reader slots that there are.
  public let readerSlotLimit: Int
}
