import Base
import Glibc
import TxnWAL

/// A read-only view of a store for tools, also while another process has the store open.
public struct StoreInspection: Sendable {
  /// The store's directory.
  public let path: String
  let manifest: Manifest
  /// For simulations: opens the log's device for the folder at a path.
  package var makeLogDevice: @Sendable (String) throws(LogError) -> any LogDevice = {
    DirectoryDevice(readingAt: $0)
  }

  /// For simulations: which owned entries are expected to have no owner, by the identifiers in their keys.
  package var isExpectedUnowned: @Sendable ([UInt8]) -> Bool = { _ in false }

  /// Reads the manifest of the store at `path`. Throws if there is none, or if it is damaged or of another format.
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
          file: "\(path)/\(ManifestFile.name)", expected: "the manifest of the store",
          found: "no such file, although \(first) exists"))
    }
    self.manifest = manifest
  }

  /// Checks whether this user may read everything that the tools read, so that a missing permission is
  /// reported as such and not mistaken for damage.
  ///
  /// - Throws: `.io` for the first file that cannot be opened; `.locked` if this user could read the store
  ///   only while no process has it open, and one has. Missing files are ignored.
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
        // In use: a reader then has to register in LMDB's lock file.
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
      // A link is reported by the code that needs the file.
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

  /// The store's random identifier.
  public var storeID: String { "\(manifest.storeID)" }

  /// The number of partitions.
  public var partitionCount: Int { manifest.partitions.count }

  /// The store's log, from the checkpoint on.
  public func log() throws(StoreError) -> LogInspector {
    try Files.checkFolder(StoreOpening.logPath(in: path), in: path)
    return try translatingLogErrors { () throws(LogError) in
      try LogInspector(
        on: makeLogDevice(StoreOpening.logPath(in: path)),
        storeID: manifest.storeID)
    }
  }

  /// Opens the file of partition `index` for reading.
  ///
  /// - Parameter access: nil for whichever access this user has.
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

  /// Statistics of one partition. O(transactions whose freed pages are not reused yet).
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

/// Statistics of a partition's file.
public struct PartitionSummary: Sendable, Equatable {
  /// The partition's index, from 0.
  public let index: Int
  /// The file holds everything in the log before this position.
  public let appliedLSN: UInt64
  /// The sequence of the newest batch that is completely in the file.
  public let appliedSequence: UInt64
  /// The number of entries, including those under range deletes.
  public let entryCount: Int
  /// Range deletes that are in progress.
  public let tombstoneCount: Int
  /// The length of the file in bytes.
  public let fileByteCount: Int
  /// The number of pages up to the last one ever used.
  public let pageCount: Int
  /// How many of those pages are free.
  public let freePageCount: Int
  /// The depth of the tree of entries.
  public let depth: Int
  /// The most reader slots ever used at one time.
  public let readerSlotCount: Int
  /// The number of reader slots.
  public let readerSlotLimit: Int
}
