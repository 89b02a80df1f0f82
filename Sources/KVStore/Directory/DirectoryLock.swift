import Base
import Glibc

/// Lets only one `Store` open a directory at a time, and tells people which process has it.
///
/// A lock file's name can be removed, so this lock is not the only one: each partition's data file is locked
/// as well (`LMDBAccess`), and so is the note of a store that is being created (`StoreCreation`). The file
/// stays; its text only names the last holder. (flock does not work across machines on every network file
/// system; a store belongs on a local one.)
final class DirectoryLock: Sendable {
  static let name = "LOCK"

  let path: String
  private let file: Lock<FileDescriptor?>

  /// - Throws: `.locked` with the holder's text if the lock is held.
  init(directory: String) throws(StoreError) {
    path = "\(directory)/\(Self.name)"
    let file = try Files.open(path, O_RDWR | O_CREAT, mode: Files.fileMode)
    do throws(StoreError) {
      try FileLock.take(.exclusive, on: file)
    } catch .locked {
      throw .locked(path: path, holder: try Self.holder(of: file))
    }
    try Files.truncate(file, to: 0)
    let text = Array("pid \(getpid())\n".utf8)
    try Files.write(text.rawSpan, at: 0, to: file)
    self.file = Lock(file)
  }

  /// Releases the lock. May be called again.
  func release() {
    file.withLock { file in
      if let held = file.take() { FileLock.release(held) }
    }
  }

  deinit {
    release()
  }

  /// The text in the lock file. It may be empty for an instant between locking and writing.
  private static func holder(of file: borrowing FileDescriptor) throws(StoreError) -> String {
    let bytes = try Files.read(64, at: 0, from: file)
    let printable = bytes.filter { (0x20...0x7E).contains($0) }
    return printable.isEmpty ? "another process" : String(decoding: printable, as: UTF8.self)
  }
}
