import Base
import Glibc

/// Keeps a store's directory to one `Store`, and tells a person who has it.
///
/// It is the first of two locks: a name can be removed, so each partition's data file is locked as well
/// (`LMDBAccess`), and the note of a store that is being made (`StoreCreation`). The file stays; its text only tells
/// who had it last. (flock does not reach across machines on every network file system; a store belongs on a
/// local one.)
final class DirectoryLock: Sendable {
  static let name = "LOCK"

  let path: String
  private let file: Lock<FileDescriptor?>

  /// - Throws: `.locked` with the holder's text if another has it.
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

  /// Lets go. Safe to call again.
  func release() {
    file.withLock { file in
      if let held = file.take() { FileLock.release(held) }
    }
  }

  deinit {
    release()
  }

  /// The text in the lock's file. It may be empty for the instant between locking and writing.
  private static func holder(of file: borrowing FileDescriptor) throws(StoreError) -> String {
    let bytes = try Files.read(64, at: 0, from: file)
    let printable = bytes.filter { (0x20...0x7E).contains($0) }
    return printable.isEmpty ? "another process" : String(decoding: printable, as: UTF8.self)
  }
}
