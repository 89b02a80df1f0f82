import CRocksDB
import Glibc

/// RocksDB with its log synced before a write returns; all keys in one column family, or a family for
/// each partition.
///
/// Sound to share: RocksDB's handles may be used by any number of threads.
@safe
final class RocksDBEngine: Engine, @unchecked Sendable {
  private let path: String
  fileprivate let options: RocksDBOptions
  fileprivate let database: OpaquePointer
  /// One for each partition, or one in all.
  fileprivate let families: [OpaquePointer]

  init(path: String, _ settings: EngineSettings) throws {
    self.path = path
    options = RocksDBOptions(settings)
    let extra = settings.isPartitioned ? settings.partitionCount - 1 : 0
    let names = ["default"] + (0..<extra).map { "partition-\($0 + 1)" }
    var handles = unsafe [OpaquePointer?](repeating: nil, count: names.count)
    let each = unsafe [OpaquePointer?](repeating: options.database, count: names.count)
    let copies = unsafe names.map { unsafe strdup($0) }
    defer { for place in names.indices { unsafe free(copies[place]) } }
    let pointers = unsafe copies.map { unsafe UnsafePointer<CChar>($0) }
    var error: UnsafeMutablePointer<CChar>?
    let opened = unsafe rocksdb_open_column_families(
      options.database, path, Int32(names.count), pointers, each, &handles, &error)
    try unsafe Self.check(error)
    unsafe database = opened!
    unsafe families = handles.map { unsafe $0! }
  }

  func makeWriter() -> Writer { Writer(self) }
  func makeReader() -> Reader { Reader(engine: self) }

  @inline(__always)
  fileprivate func family(of key: [UInt8]) -> OpaquePointer {
    unsafe families[
      families.count == 1 ? 0 : KeySpace.partition(of: key, count: families.count)]
  }

  @safe
  final class Writer: EngineWriter {
    private let engine: RocksDBEngine
    private let batch: OpaquePointer

    init(_ engine: RocksDBEngine) {
      self.engine = engine
      unsafe batch = rocksdb_writebatch_create()
    }

    deinit { unsafe rocksdb_writebatch_destroy(batch) }

    func commit(_ entries: Entries) throws {
      unsafe rocksdb_writebatch_clear(batch)
      for place in entries.keys.indices {
        let key = entries.keys[place]
        let value = entries.values[place]
        unsafe bench_writebatch_put(
          batch, engine.family(of: key), key, key.count, value, value.count)
      }
      try write()
    }

    func deleteRange(from lower: [UInt8], to upper: [UInt8]) throws {
      unsafe rocksdb_writebatch_clear(batch)
      for place in unsafe engine.families.indices {
        unsafe bench_writebatch_delete_range(
          batch, engine.families[place], lower, lower.count, upper, upper.count)
      }
      try write()
    }

    private func write() throws {
      var error: UnsafeMutablePointer<CChar>?
      unsafe rocksdb_write(engine.database, engine.options.write, batch, &error)
      try unsafe RocksDBEngine.check(error)
    }
  }

  struct Reader: EngineReader {
    let engine: RocksDBEngine

    /// The value is lent where it lies in the block cache, not copied.
    @inline(__always)
    func withValue<R>(of key: [UInt8], _ body: (RawSpan?) -> R) throws -> R {
      var error: UnsafeMutablePointer<CChar>?
      let slice = unsafe bench_get(
        engine.database, engine.options.read, engine.family(of: key), key, key.count, &error)
      try unsafe RocksDBEngine.check(error)
      guard let slice = unsafe slice else { return body(nil) }
      defer { unsafe rocksdb_pinnableslice_destroy(slice) }
      var count = 0
      let value = unsafe rocksdb_pinnableslice_value(slice, &count)
      return unsafe body(UnsafeRawBufferPointer(start: value, count: count).bytes)
    }
  }

  func scan(_ body: (RawSpan, RawSpan) throws -> Void) throws {
    // Iterators of several families are of one moment only if they share a snapshot.
    let snapshot = unsafe rocksdb_create_snapshot(database)
    defer { unsafe rocksdb_release_snapshot(database, snapshot) }
    let options = unsafe rocksdb_readoptions_create()
    defer { unsafe rocksdb_readoptions_destroy(options) }
    unsafe rocksdb_readoptions_set_snapshot(options, snapshot)
    try merge(
      unsafe families.map { unsafe RocksDBCursor(database, family: $0, options!) }, body)
  }

  func deleteRange(from lower: [UInt8], to upper: [UInt8]) throws {
    try makeWriter().deleteRange(from: lower, to: upper)
  }

  func finishDeletes() throws { try settle() }

  /// Flushes, then compacts everything down to the last level.
  func settle() throws {
    let flush = unsafe rocksdb_flushoptions_create()
    defer { unsafe rocksdb_flushoptions_destroy(flush) }
    for place in unsafe families.indices {
      var error: UnsafeMutablePointer<CChar>?
      unsafe rocksdb_flush_cf(database, flush, families[place], &error)
      try unsafe Self.check(error)
      unsafe rocksdb_compact_range_cf(database, families[place], nil, 0, nil, 0)
    }
  }

  func logByteCount() -> Int {
    ProcessFigures.byteCount(of: path) { $0.hasSuffix(".log") }
  }

  func close() {
    for place in unsafe families.indices {
      unsafe rocksdb_column_family_handle_destroy(families[place])
    }
    unsafe rocksdb_close(database)
  }

  @inline(__always)
  fileprivate static func check(_ error: UnsafeMutablePointer<CChar>?) throws {
    guard let error = unsafe error else { return }
    defer { unsafe rocksdb_free(error) }
    throw unsafe Failure("RocksDB: \(String(cString: error))")
  }
}

/// An iterator over one column family.
@safe
final class RocksDBCursor: OrderedCursor {
  private let iterator: OpaquePointer

  init(_ database: OpaquePointer, family: OpaquePointer, _ options: OpaquePointer) {
    unsafe iterator = rocksdb_create_iterator_cf(database, options, family)
    unsafe rocksdb_iter_seek_to_first(iterator)
  }

  deinit { unsafe rocksdb_iter_destroy(iterator) }

  func isAtEntry() throws -> Bool {
    if unsafe rocksdb_iter_valid(iterator) != 0 { return true }
    var error: UnsafeMutablePointer<CChar>?
    unsafe rocksdb_iter_get_error(iterator, &error)
    try unsafe RocksDBEngine.check(error)
    return false
  }

  func advance() { unsafe rocksdb_iter_next(iterator) }

  var key: UnsafeRawBufferPointer {
    var count = 0
    let start = unsafe rocksdb_iter_key(iterator, &count)
    return unsafe UnsafeRawBufferPointer(start: start, count: count)
  }

  var value: UnsafeRawBufferPointer {
    var count = 0
    let start = unsafe rocksdb_iter_value(iterator, &count)
    return unsafe UnsafeRawBufferPointer(start: start, count: count)
  }
}
