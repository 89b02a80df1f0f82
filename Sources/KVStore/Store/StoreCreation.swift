import Base
import Glibc
import TxnWAL

/// Making a new store, such that after a crash at any point it is whole or absent.
///
/// A note that a store is being made comes first and goes last; the manifest comes last but one. So a
/// directory without a manifest is begun again where the note is, and refused where it is not but
/// partitions or a log are: a store whose manifest is lost is never started empty. The note is locked
/// meanwhile, so that two processes never make one store; what it stands for is looked at once it is locked.
enum StoreCreation {
  /// Makes a store at `path`, which has no manifest. Durable on return.
  ///
  /// Returns nil where another process has finished or given up a store since this one looked: look again. What it saw
  /// before it had the lock is not built on. It may have left a note, which means nothing beside a manifest.
  static func make(at path: String, options: StoreOptions) throws(StoreError) -> Manifest? {
    let note = "\(path)/\(StoreOpening.creatingName)"
    let isBegunAgain = try Files.exists(note)
    if !isBegunAgain {
      if let first = try remains(at: path).first {
        throw .corrupted(
          Finding(
            file: "\(path)/\(ManifestFile.name)", expected: "the manifest of the store here",
            found: "no such file beside \(first)"))
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
    // Also of a creation that is begun again: it may have ended before it came to this.
    try Files.sync(lock)
    try Files.syncDirectory(path)
    try syncName(of: path)
    CrashPoint.reached(.createAfterNote)
    // Of a store that was begun and not finished: without the note there were none.
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

  /// Makes the directory's own name durable, where this user may read the folder that it is in.
  private static func syncName(of path: String) throws(StoreError) {
    do throws(StoreError) {
      try Files.syncDirectory("\(path)/..")
    } catch .io(let failure) where failure.errno == EACCES {
    } catch {
      throw error
    }
  }

  /// Removes a store that was being made, or has just been made and never used, so that one that the disk has
  /// no room for does not stay there and fill it. After a crash on the way the directory is as one in which a
  /// store was being made.
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

  /// Takes the note away, where a crash has left it beside a manifest.
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

  /// What of a store stands in the directory.
  static func remains(at path: String) throws(StoreError) -> [String] {
    try Files.names(in: path).filter { name in
      name == "log" || name.hasPrefix("partition-")
    }.sorted()
  }
}
