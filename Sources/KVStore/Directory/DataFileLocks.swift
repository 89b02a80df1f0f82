import Base
import Glibc

/// Locks on the data files of all partitions, as an open store has them: they keep every store away, also where LOCK was
/// removed. For what works on a store's files without opening it.
///
///     kind        who                                    while it is held
///     exclusive   cuts the log, removes a store          nobody else uses the files
///     shared      salvage, which only reads              other tools may read
final class DataFileLocks: Sendable {
  private let files: [DataFileLock]

  /// - Throws: `.locked` where a store, or another tool that is in the way, has one of them. Where `passing`, a file that
  ///   cannot be opened or locked for another reason is left out: it is missing, or cannot be read either.
  init(
    _ kind: FileLock.Kind, of manifest: Manifest, in directory: String, passing: Bool = false
  ) throws(StoreError) {
    var files: [DataFileLock] = []
    for index in manifest.partitions.indices {
      let folder = StoreOpening.partitionPath(index, in: directory)
      do throws(StoreError) {
        try Files.checkFolder(folder, in: directory)
        files.append(try DataFileLock(kind, "\(folder)/\(LMDBFile.dataName)"))
      } catch {
        if case .locked = error { throw error }
        if !passing { throw error }
      }
    }
    self.files = files
  }

  /// Lets go. Safe to call again; the end of the object does so, too.
  func release() {
    for file in files { file.release() }
  }

  deinit {
    release()
  }
}

/// One of them.
private final class DataFileLock: Sendable {
  private let file: FileDescriptor

  init(_ kind: FileLock.Kind, _ path: String) throws(StoreError) {
    file = try Files.open(path, O_RDONLY)
    try FileLock.take(kind, on: file)
  }

  func release() { FileLock.release(file) }
}
