import Base
import CLinux
import Glibc

/// flock(2): locks that belong to an open file, reach across processes, and end with the process however it
/// ends. A second open in the same process is refused like any other.
enum FileLock {
  enum Kind {
    case shared, exclusive
  }

  /// Takes the lock without waiting.
  ///
  /// - Throws: `.locked` if another open file has it in a way that does not go with `kind`.
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

  /// Says so to the kernel instead of only closing the file: a process that another thread is starting has a
  /// copy of every descriptor until its `exec` closes them, `O_CLOEXEC` or not, and the lock would stay with
  /// the copy. Unlocking goes for all copies.
  static func release(_ file: borrowing FileDescriptor) {
    _ = flock(file.raw, LOCK_UN)
  }
}
