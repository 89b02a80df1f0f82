import Base
import CLMDB
import Glibc

/// How a process uses a partition's file, and what keeps other processes from conflicting uses.
///
///     access      used by                LMDB's lock file   flock(2) on the data file
///     exclusive   a store                written            exclusive
///     beside      tools, also beside     written            none
///                 a store
///     quiet       tools that may not     not used           shared: no store can have it
///                 write
///     held        tools that hold        not used           the tool's own, exclusive
///                 `DataFileLocks`
///
/// The lock is on the data file itself, which is never replaced and without which nothing can be opened. So
/// no name can be removed to get around it.
enum LMDBAccess {
  case exclusive, beside, quiet, held

  /// Flags for `mdb_env_open`.
  var flags: Int32 {
    switch self {
    case .exclusive: 0
    case .beside: MDB_RDONLY
    case .quiet, .held: MDB_RDONLY | MDB_NOLOCK
    }
  }

  /// Locks `file`, the data file.
  ///
  /// - Throws: `.locked` if another process holds a conflicting lock.
  func lock(_ file: borrowing FileDescriptor) throws(StoreError) {
    switch self {
    case .exclusive: try FileLock.take(.exclusive, on: file)
    case .quiet: try FileLock.take(.shared, on: file)
    case .beside, .held: break
    }
  }

  /// How a tool can read the partition in `directory`. Without permission to write to LMDB's lock file, or on
  /// a read-only file system, it can do so only while no store has the file open.
  static func forReading(_ directory: String) throws(StoreError) -> LMDBAccess {
    do throws(StoreError) {
      try Files.checkMayWrite("\(directory)/\(LMDBFile.lockName)")
      return .beside
    } catch {
      guard case .io(let failure) = error,
        [EACCES, EPERM, EROFS, ENOENT].contains(failure.errno)
      else { throw error }
      return .quiet
    }
  }
}
