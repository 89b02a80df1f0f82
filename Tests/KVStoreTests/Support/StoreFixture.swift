import Glibc

@testable import KVStore

/// A small store in a directory of its own.
final class StoreFixture {
  let directory: TemporaryDirectory
  var options: StoreOptions
  private(set) var store: Store

  init(_ change: (inout StoreOptions) -> Void = { _ in }) throws {
    directory = TemporaryDirectory()
    var options = StoreOptions.small(partitionCount: 4)
    change(&options)
    self.options = options
    store = try Store.open(at: directory.path, options: options)
  }

  /// The store that is in `directory` already.
  init(opening directory: TemporaryDirectory, options: StoreOptions) throws {
    self.directory = directory
    self.options = options
    store = try Store.open(at: directory.path, options: options)
  }

  deinit {
    try? store.close()
  }

  func reopen() throws {
    try store.close()
    store = try Store.open(at: directory.path, options: options)
  }

  /// Opens the store again as it is after `change` to its files.
  func reopen(after change: () throws -> Void) throws {
    try store.close()
    try change()
    store = try Store.open(at: directory.path, options: options)
  }

  /// Lets go of the store, for tests that open it themselves.
  func close() throws { try store.close() }

  func contents() throws -> [[UInt8]: [UInt8]] {
    var contents: [[UInt8]: [UInt8]] = [:]
    for (key, value) in try store.scan(.everything, limit: .max) { contents[key] = value }
    return contents
  }
}

extension StoreOptions {
  /// Small enough that sealing and recycling happen in a test.
  static func small(partitionCount: Int) -> StoreOptions {
    var options = StoreOptions()
    options.partitionCount = partitionCount
    options.segmentByteCount = 256 << 10
    options.memoryByteCount = 8 << 20
    options.logByteLimit = 2 << 20
    return options
  }
}

extension Store {
  /// Whether range deletes are still being carried out.
  var isPurging: Bool { partitionSet.partitions.contains { !$0.layers.tombstones.isEmpty } }

  /// Returns when range deletes have been carried out.
  func waitUntilPurged() throws {
    try checkpoint()
    while isPurging {
      if let poisoned { throw poisoned }
      usleep(1000)
    }
  }

  func contents() throws(StoreError) -> [[UInt8]: [UInt8]] {
    var contents: [[UInt8]: [UInt8]] = [:]
    for (key, value) in try scan(.everything, limit: .max) { contents[key] = value }
    return contents
  }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
