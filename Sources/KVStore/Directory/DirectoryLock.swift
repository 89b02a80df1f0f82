import Base
import CLinux
import Glibc
import TxnWAL

/// Keeps a store's directory to one `Store`: two LMDB environments on one file harm each other.
///
/// `flock` belongs to the open file description, so a second open in the same process is refused like
/// any other, and the kernel lets go when the process dies however it dies. The file stays; its text
/// only tells a person who had it last. (flock does not reach across machines on every network file
/// system; a store belongs on a local one.)
final class DirectoryLock: Sendable {
  static let name = "LOCK"

  let path: String
  private let file: Lock<FileDescriptor?>

  /// - Throws: `.locked` with the holder's text if another has it.
  init(directory: String) throws(StoreError) {
    path = "\(directory)/\(Self.name)"
    let file = try FileSystem.open(path, O_RDWR | O_CREAT, mode: FileSystem.fileMode)
    while flock(file.raw, LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK: throw .locked(path: path, holder: try Self.holder(of: file))
      case let code: throw FileSystem.error(code, "lock", path)
      }
    }
    try FileSystem.truncate(file, to: 0)
    try FileSystem.write(Array("pid \(getpid())\n".utf8), at: 0, to: file)
    self.file = Lock(file)
  }

  /// Lets go. Safe to call again.
  ///
  /// Says so to the kernel instead of only closing the file: a process that another thread is starting
  /// has a copy of every descriptor until its `exec` closes them, `O_CLOEXEC` or not, and the lock would
  /// stay with the copy. Unlocking goes for all copies.
  func release() {
    file.withLock { file in
      if let raw = file?.raw { _ = flock(raw, LOCK_UN) }
      file = nil
    }
  }

  deinit {
    release()
  }

  /// The text in the lock's file. It may be empty for the instant between locking and writing.
  private static func holder(of file: borrowing FileDescriptor) throws(StoreError) -> String {
    let bytes = try FileSystem.read(64, at: 0, from: file)
    let printable = bytes.filter { (0x20...0x7E).contains($0) }
    return printable.isEmpty ? "another process" : String(decoding: printable, as: UTF8.self)
  }
}
