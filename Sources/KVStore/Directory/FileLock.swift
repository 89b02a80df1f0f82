import Base
import CLinux
import Glibc

/// flock(2): locks that belong to an open file, apply across processes, and end with the process however it
/// ends. A second open in the same process is refused like any other.
enum FileLock {
  enum Kind {
    case shared, exclusive
  }

  /// Takes the lock without waiting.
  ///
  /// - Throws: `.locked` if another open file holds a conflicting lock.
  static func take(
    _ kind: Kind, on file: borrowing FileDescriptor, holder: String = "another process"
  ) throws(StoreError) {
    let operation = kind == .shared ? LOCK_SH : LOCK_EX
    while flock(file.raw, operation | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK: throw .locked(path: file.path, holder: holder)
      case let code: throw Files.error(code, "lock", file.path)
      }
    }
  }

  /// Unlocks explicitly instead of only closing the file. A process that another thread is starting has a
  /// copy of every descriptor until its `exec` closes them, `O_CLOEXEC` or not, and the lock would stay with
  /// that copy. Unlocking applies to all copies.
  static func release(_ file: borrowing FileDescriptor) {
    _ = flock(file.raw, LOCK_UN)
  }
}
