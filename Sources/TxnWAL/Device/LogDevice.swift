/// The directory that holds a log: everything the log needs from the operating system.
///
/// Tests substitute devices that crash, tear, reorder, fill up or fail. A name is a plain file name.
public protocol LogDevice: AnyObject, Sendable {
  /// The directory's name in messages.
  var path: String { get }
  /// The names of all files, unordered.
  func fileNames() throws(LogError) -> [String]
  /// Opens a file for reading and writing. If `creating`, creates the file, which must not exist.
  func open(_ name: String, creating: Bool) throws(LogError) -> any LogFile
  /// Renames a file, replacing any file with the new name. Durable after `syncDirectory`.
  func rename(_ name: String, to newName: String) throws(LogError)
  /// Removes a file. Durable after `syncDirectory`.
  func remove(_ name: String) throws(LogError)
  /// Free disk space in bytes, as reported by the file system. A quota, for example, may allow less.
  func availableByteCount() throws(LogError) -> Int
  /// Makes all creations, renames and removals durable.
  func syncDirectory() throws(LogError)
}

/// One open file of a log, closed when the last reference is released.
public protocol LogFile: AnyObject, Sendable {
  /// The file's name in messages.
  var path: String { get }
  /// The file's length in bytes.
  func byteCount() throws(LogError) -> Int
  /// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
  func read(at offset: Int, count: Int) throws(LogError) -> [UInt8]
  /// Writes all of `bytes` at `offset`. Durable only after `sync`.
  func write(_ bytes: RawSpan, at offset: Int) throws(LogError)
  /// Makes every byte written so far durable.
  ///
  /// After a throw the file must not be used: the kernel may have dropped the dirty pages, so a second call could
  /// succeed without having written them.
  func sync() throws(LogError)
}
