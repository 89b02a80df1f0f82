/// The folder that holds a log: everything that the log asks of the operating system.
///
/// Tests swap in devices that crash, tear, reorder, fill up or fail. A name is a plain file name.
public protocol LogDevice: AnyObject, Sendable {
  /// What to call the folder in messages.
  var path: String { get }
  /// The names of all files, in no order.
  func fileNames() throws(LogError) -> [String]
  /// Opens a file for reading and writing. Where `creating`, it is made, and must not exist.
  func open(_ name: String, creating: Bool) throws(LogError) -> any LogFile
  /// Gives a file another name, over a file that has it. Durable after `syncDirectory`.
  func rename(_ name: String, to newName: String) throws(LogError)
  /// Removes a file. Durable after `syncDirectory`.
  func remove(_ name: String) throws(LogError)
  /// How many bytes more the disk has room for, as far as it tells: a quota, for example, may allow fewer.
  func availableByteCount() throws(LogError) -> Int
  /// Makes every creation, renaming and removal durable.
  func syncDirectory() throws(LogError)
}

/// One open file of a log. Closed when the last reference goes.
public protocol LogFile: AnyObject, Sendable {
  /// What to call the file in messages.
  var path: String { get }
  /// The file's length in bytes.
  func byteCount() throws(LogError) -> Int
  /// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
  func read(at offset: Int, count: Int) throws(LogError) -> [UInt8]
  /// Writes all of `bytes` at `offset`, durable only after `sync`.
  func write(_ bytes: RawSpan, at offset: Int) throws(LogError)
  /// Makes every byte written so far durable.
  ///
  /// After a throw the file is not used again: the kernel may have dropped the dirty pages, so a
  /// second call could succeed without having written them.
  func sync() throws(LogError)
}
