import Base
import Glibc
import TxnWAL

/// Creates a new store, such that after a crash at any point it is whole or absent.
///
/// A note that a store is being created is written first and removed last; the manifest is written last but
/// one. A directory without a manifest is started over if the note is there. It is refused if the note is
/// missing but partitions or a log are there: a store that has lost its manifest is never started empty. The
/// note is locked meanwhile, so that two processes never create the same store. What it stands for is checked
/// once it is locked.
enum StoreCreation {
  /// Creates a store at `path`, which has no manifest. Durable on return.
  ///
  /// Returns nil if another process has finished or given up a store since this one checked: check again.
  /// What was seen before the lock was taken is not relied on. A note may be left behind, which means nothing
  /// beside a manifest.
  static func make(at path: String, options: StoreOptions) throws(StoreError) -> Manifest? {
    let note = "\(path)/\(StoreOpening.creatingName)"
    let isBegunAgain = try Files.exists(note)
    if !isBegunAgain {
      if let first = try remains(at: path).first {
        throw .corrupted(
          Finding(
            file: "\(path)/\(ManifestFile.name)", expected: "the manifest of the store",
            found: "no such file, although \(first) exists"))
      }
      CrashPoint.reached(.createBeforeNote)
    }
    let lock = try Files.open(note, O_RDONLY | O_CREAT, mode: Files.fileMode)
    CrashPoint.reached(.createBeforeLock)
    try FileLock.take(.exclusive, on: lock)
    defer { FileLock.release(lock) }
    guard FileIdentity(ofRaw: lock.raw) == FileIdentity(at: note),
      try ManifestFile.read(in: path) == nil
    else { return nil }
    // Also if a creation is started over: it may have stopped before this point.
    try Files.sync(lock)
    try Files.syncDirectory(path)
    try syncName(of: path)
    CrashPoint.reached(.createAfterNote)
    // The remains of an unfinished store: if there was no note, there are none.
    for name in try remains(at: path) { try Files.removeTree("\(path)/\(name)") }
    do throws(StoreError) {
      let manifest = try fill(path, options)
      try ManifestFile.write(manifest, in: path)
      CrashPoint.reached(.createAfterManifest)
      try finish(at: path)
      return manifest
    } catch {
      try? discard(at: path)
      throw error
    }
  }

  /// Makes the directory's own name durable, if this user may read its parent directory.
  private static func syncName(of path: String) throws(StoreError) {
    do throws(StoreError) {
      try Files.syncDirectory("\(path)/..")
    } catch .io(let failure) where failure.errno == EACCES {
    } catch {
      throw error
    }
  }

  /// Removes a store that was being created, or that has just been created and was never used, so that one
  /// for which the disk has no room does not stay there and fill it. After a crash on the way, the directory
  /// is like one in which a store was being created.
  static func discard(at path: String) throws(StoreError) {
    let note = "\(path)/\(StoreOpening.creatingName)"
    let manifest = "\(path)/\(ManifestFile.name)"
    if try Files.exists("\(path)/\(Ballast.name)") {
      try Files.remove("\(path)/\(Ballast.name)")
    }
    if try Files.exists(manifest) {
      try Files.createEmpty(note)
      try Files.syncDirectory(path)
      try Files.remove(manifest)
      try Files.syncDirectory(path)
    }
    for name in try remains(at: path) { try Files.removeTree("\(path)/\(name)") }
    try Files.syncDirectory(path)
    try finish(at: path)
  }

  /// Removes the note, which a crash may have left beside a manifest.
  static func finish(at path: String) throws(StoreError) {
    let note = "\(path)/\(StoreOpening.creatingName)"
    guard try Files.exists(note) else { return }
    try Files.remove(note)
    try Files.syncDirectory(path)
    CrashPoint.reached(.createAfterNoteRemoval)
  }

  private static func fill(_ path: String, _ options: StoreOptions) throws(StoreError) -> Manifest {
    let storeID = StoreID.random()
    var floors: [Manifest.Partition] = []
    for index in 0..<options.partitionCount {
      CrashPoint.reached(.createBeforePartition)
      let byteCount = try LMDBFile.create(
        directory: StoreOpening.partitionPath(index, in: path),
        identity: PartitionIdentity(storeID: storeID, partitionIndex: index))
      CrashPoint.reached(.createAfterPartition)
      floors.append(Manifest.Partition(leastFileByteCount: byteCount, leastAppliedLSN: 0))
    }
    do throws(LogError) {
      let device = try options.makeLogDevice(StoreOpening.logPath(in: path))
      try Coordinator.create(
        on: device, storeID: storeID, segmentByteCount: options.segmentByteCount,
        sequence: options.sequenceAtCreation)
    } catch {
      throw StoreError(error)
    }
    try Files.syncDirectory(path)
    CrashPoint.reached(.createAfterLog)
    return Manifest(
      storeID: storeID, segmentByteCount: UInt64(options.segmentByteCount),
      creationMilliseconds: SystemClock.millisecondsSince1970(), partitions: floors)
  }

  /// The names of a store's parts in the directory: its log and its partitions.
  static func remains(at path: String) throws(StoreError) -> [String] {
    try Files.names(in: path).filter { name in
      name == "log" || name.hasPrefix("partition-")
    }.sorted()
  }
}
