import Glibc

/// The log device of every day: a folder of a file system.
public final class DirectoryDevice: LogDevice {
  /// The folder.
  public let path: String
  private let isReadOnly: Bool

  /// Uses the folder at `path` for reading alone: whatever would change it throws.
  public init(readingAt path: String) {
    self.path = path
    isReadOnly = true
  }

  /// Uses the folder at `path`, and makes it where it is missing.
  public init(path: String) throws(LogError) {
    self.path = path
    isReadOnly = false
    if try SystemCall.makeDirectory(path) { try SystemCall.syncDirectory("\(path)/..") }
  }

  /// The names of all files, in no order. O(files).
  public func fileNames() throws(LogError) -> [String] {
    try SystemCall.fileNames(path)
  }

  /// Opens or makes a file.
  public func open(_ name: String, creating: Bool) throws(LogError) -> any LogFile {
    let path = "\(self.path)/\(name)"
    if isReadOnly {
      if creating { throw refusal("open") }
      return DirectoryFile(path: path, descriptor: try SystemCall.open(path, O_RDONLY))
    }
    let flags = creating ? O_RDWR | O_CREAT | O_EXCL : O_RDWR
    return DirectoryFile(path: path, descriptor: try SystemCall.open(path, flags))
  }

  /// `rename(2)`.
  public func rename(_ name: String, to newName: String) throws(LogError) {
    if isReadOnly { throw refusal("rename") }
    try SystemCall.rename("\(path)/\(name)", to: "\(path)/\(newName)")
  }

  /// `unlink(2)`.
  public func remove(_ name: String) throws(LogError) {
    if isReadOnly { throw refusal("unlink") }
    try SystemCall.remove("\(path)/\(name)")
  }

  /// `statvfs(3)` of the folder: what this user may still take.
  public func availableByteCount() throws(LogError) -> Int {
    try SystemCall.availableByteCount(path)
  }

  /// `fsync(2)` of the folder.
  public func syncDirectory() throws(LogError) {
    if !isReadOnly { try SystemCall.syncDirectory(path) }
  }

  private func refusal(_ operation: String) -> LogError {
    .io(errno: EROFS, operation: operation, path: path)
  }
}

/// A file of a `DirectoryDevice`.
private final class DirectoryFile: LogFile {
  let path: String
  private let descriptor: Int32

  init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    SystemCall.close(descriptor)
  }

  func byteCount() throws(LogError) -> Int {
    try SystemCall.byteCount(descriptor, path)
  }

  func read(at offset: Int, count: Int) throws(LogError) -> [UInt8] {
    try SystemCall.read(descriptor, at: offset, count: count, path)
  }

  func write(_ bytes: RawSpan, at offset: Int) throws(LogError) {
    try SystemCall.write(descriptor, bytes, at: offset, path)
  }

  func sync() throws(LogError) {
    try SystemCall.sync(descriptor, path)
  }
}
