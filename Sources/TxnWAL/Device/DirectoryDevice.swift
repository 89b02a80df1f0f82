import Glibc

/// The log device of every day: a folder of a file system.
public final class DirectoryDevice: LogDevice {
  /// The folder.
  public let path: String

  /// Uses the folder at `path`, and makes it where it is missing.
  public init(path: String) throws(LogError) {
    self.path = path
    if try SystemCall.makeDirectory(path) { try SystemCall.syncDirectory("\(path)/..") }
  }

  /// The names of all files, in no order. O(files).
  public func fileNames() throws(LogError) -> [String] {
    try SystemCall.fileNames(path)
  }

  /// Opens or makes a file.
  public func open(_ name: String, creating: Bool) throws(LogError) -> any LogFile {
    let path = "\(self.path)/\(name)"
    let flags = creating ? O_RDWR | O_CREAT | O_EXCL : O_RDWR
    return DirectoryFile(path: path, descriptor: try SystemCall.open(path, flags))
  }

  /// `rename(2)`.
  public func rename(_ name: String, to newName: String) throws(LogError) {
    try SystemCall.rename("\(path)/\(name)", to: "\(path)/\(newName)")
  }

  /// `unlink(2)`.
  public func remove(_ name: String) throws(LogError) {
    try SystemCall.remove("\(path)/\(name)")
  }

  /// `fsync(2)` of the folder.
  public func syncDirectory() throws(LogError) {
    try SystemCall.syncDirectory(path)
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
