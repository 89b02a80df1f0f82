import Base
import Glibc

/// Locks on the data files of all partitions, like those of an open store. They keep every store out, even if
/// LOCK was removed. For tools that work on a store's files without opening it.
///
///     kind        used to                                while it is held
///     exclusive   cut the log, remove a store            nothing else may lock the files
///     shared      salvage, which only reads              other tools may read
final class DataFileLocks: Sendable {
  private let files: [DataFileLock]

  /// - Throws: `.locked` if a store, or another tool in the way, holds one of the locks. If `passing`, a file
  ///   that cannot be opened or locked for another reason is skipped: it is missing, or cannot be read
  ///   either.
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

  /// Releases the locks. May be called again; `deinit` does so, too.
  func release() {
    for file in files { file.release() }
  }

  deinit {
    release()
  }
}

/// The lock on one data file.
private final class DataFileLock: Sendable {
  private let file: FileDescriptor

  init(_ kind: FileLock.Kind, _ path: String) throws(StoreError) {
    file = try Files.open(path, O_RDONLY)
    try FileLock.take(kind, on: file)
  }

  func release() { FileLock.release(file) }
}
