import Base
import Glibc

/// The log device used in production: a directory of a file system.
public final class DirectoryDevice: LogDevice {
  /// The path of the directory.
  public let path: String
  private let isReadOnly: Bool

  /// Uses the directory at `path` read-only: operations that would change it throw.
  public init(readingAt path: String) {
    self.path = path
    isReadOnly = true
  }

  /// Uses the directory at `path`; creates it if it is missing.
  public init(path: String) throws(LogError) {
    self.path = path
    isReadOnly = false
    if try Files.makeDirectory(path) { try Files.syncDirectory("\(path)/..") }
  }

  /// The names of all files, unordered. O(files).
  public func fileNames() throws(LogError) -> [String] {
    try Files.names(in: path)
  }

  /// Opens or creates a file.
  public func open(_ name: String, creating: Bool) throws(LogError) -> any LogFile {
    let path = "\(self.path)/\(name)"
    if isReadOnly {
      if creating { throw refusal("open") }
      return DirectoryFile(try Files.open(path, O_RDONLY))
    }
    let flags = creating ? O_RDWR | O_CREAT | O_EXCL : O_RDWR
    return DirectoryFile(try Files.open(path, flags, mode: Files.fileMode))
  }

  /// `rename(2)`.
  public func rename(_ name: String, to newName: String) throws(LogError) {
    if isReadOnly { throw refusal("rename") }
    try Files.rename("\(path)/\(name)", to: "\(path)/\(newName)")
  }

  /// `unlink(2)`.
  public func remove(_ name: String) throws(LogError) {
    if isReadOnly { throw refusal("remove") }
    try Files.remove("\(path)/\(name)")
  }

  /// Free space for this user, from `statvfs(3)` of the directory.
  public func availableByteCount() throws(LogError) -> Int {
    Int(clamping: try Files.space(at: path).available)
  }

  /// `fsync(2)` of the directory.
  public func syncDirectory() throws(LogError) {
    if !isReadOnly { try Files.syncDirectory(path) }
  }

  private func refusal(_ operation: String) -> LogError {
    .io(IOError(errno: EROFS, operation: operation, path: path))
  }
}

/// The system calls on the log's files.
private typealias Files = FileSystem<LogError>

/// A file of a `DirectoryDevice`.
private final class DirectoryFile: LogFile {
  private let file: FileDescriptor

  init(_ file: consuming FileDescriptor) { self.file = file }

  var path: String { file.path }

  func byteCount() throws(LogError) -> Int { try Files.byteCount(of: file) }

  func read(at offset: Int, count: Int) throws(LogError) -> [UInt8] {
    try Files.read(count, at: offset, from: file)
  }

  func write(_ bytes: RawSpan, at offset: Int) throws(LogError) {
    try Files.write(bytes, at: offset, to: file)
  }

  func sync() throws(LogError) { try Files.syncData(file) }
}
