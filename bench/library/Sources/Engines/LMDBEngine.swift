import CPeerLMDB
import Glibc

/// LMDB as it comes: every transaction synced, one writer at a time by LMDB's own mutex. One environment
/// with all keys in its main database, or with a named database for each partition.
///
/// Sound to share: an environment may be used by any number of threads, and with `MDB_NOTLS` a read
/// transaction belongs to whoever holds it.
@safe
final class LMDBEngine: Engine, @unchecked Sendable {
  fileprivate let environment: OpaquePointer
  fileprivate let databases: [MDB_dbi]

  init(path: String, _ settings: EngineSettings) throws {
    var opened: OpaquePointer?
    try unsafe Self.check(mdb_env_create(&opened))
    let environment = unsafe opened!
    // Address space only; the file grows as it needs to.
    try unsafe Self.check(mdb_env_set_mapsize(environment, 256 << 30))
    try unsafe Self.check(mdb_env_set_maxdbs(environment, 32))
    try unsafe Self.check(mdb_env_open(environment, path, UInt32(MDB_NOTLS), 0o644))
    var transaction: OpaquePointer?
    try unsafe Self.check(mdb_txn_begin(environment, nil, 0, &transaction))
    let names = settings.isPartitioned ? (0..<settings.partitionCount).map { "\($0)" } : [nil]
    var databases: [MDB_dbi] = []
    for name in names {
      var database: MDB_dbi = 0
      try unsafe Self.check(mdb_dbi_open(transaction, name, UInt32(MDB_CREATE), &database))
      databases.append(database)
    }
    try unsafe Self.check(mdb_txn_commit(transaction))
    unsafe self.environment = environment
    self.databases = databases
  }

  func makeWriter() -> Writer { Writer(engine: self) }
  func makeReader() throws -> Reader { try Reader(self) }

  @inline(__always)
  fileprivate func database(of key: [UInt8]) -> MDB_dbi {
    databases[databases.count == 1 ? 0 : KeySpace.partition(of: key, count: databases.count)]
  }

  struct Writer: EngineWriter {
    let engine: LMDBEngine

    func commit(_ entries: Entries) throws {
      unsafe try engine.write { transaction in
        for place in entries.keys.indices {
          let key = entries.keys[place]
          let database = engine.database(of: key)
          let code = unsafe key.withUnsafeBytes { key in
            unsafe entries.values[place].withUnsafeBytes { value in
              var key = unsafe LMDBEngine.item(key)
              var value = unsafe LMDBEngine.item(value)
              return unsafe mdb_put(transaction, database, &key, &value, 0)
            }
          }
          try LMDBEngine.check(code)
        }
      }
    }
  }

  @safe
  final class Reader: EngineReader {
    private let engine: LMDBEngine
    private let transaction: OpaquePointer

    init(_ engine: LMDBEngine) throws {
      self.engine = engine
      var opened: OpaquePointer?
      try unsafe LMDBEngine.check(
        mdb_txn_begin(engine.environment, nil, UInt32(MDB_RDONLY), &opened))
      unsafe transaction = opened!
      unsafe mdb_txn_reset(transaction)
    }

    deinit { unsafe mdb_txn_abort(transaction) }

    /// The read transaction is renewed for each get, so that none is held between two.
    @inline(__always)
    func withValue<R>(of key: [UInt8], _ body: (RawSpan?) -> R) throws -> R {
      try unsafe LMDBEngine.check(mdb_txn_renew(transaction))
      defer { unsafe mdb_txn_reset(transaction) }
      let database = engine.database(of: key)
      var value = unsafe MDB_val()
      let code = unsafe key.withUnsafeBytes { key in
        var key = unsafe LMDBEngine.item(key)
        return unsafe mdb_get(transaction, database, &key, &value)
      }
      if code == MDB_NOTFOUND { return body(nil) }
      try LMDBEngine.check(code)
      return unsafe body(UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size).bytes)
    }
  }

  func scan(_ body: (RawSpan, RawSpan) throws -> Void) throws {
    var opened: OpaquePointer?
    try unsafe Self.check(mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &opened))
    let transaction = unsafe opened!
    defer { unsafe mdb_txn_abort(transaction) }
    try merge(databases.map { try unsafe LMDBCursor(transaction, $0) }, body)
  }

  /// LMDB deletes key by key; in one transaction, because the promise is that it is atomic.
  func deleteRange(from lower: [UInt8], to upper: [UInt8]) throws {
    unsafe try write { transaction in
      for database in databases {
        let cursor = try unsafe LMDBCursor(transaction, database, from: lower)
        while try unsafe cursor.isAtEntry() && cursor.key.lexicographicallyPrecedes(upper) {
          try cursor.delete()
        }
      }
    }
  }

  func finishDeletes() {}
  func settle() {}
  func logByteCount() -> Int { 0 }
  func close() { unsafe mdb_env_close(environment) }

  fileprivate func write(_ body: (OpaquePointer) throws -> Void) throws {
    var opened: OpaquePointer?
    try unsafe Self.check(mdb_txn_begin(environment, nil, 0, &opened))
    let transaction = unsafe opened!
    do {
      try unsafe body(transaction)
    } catch {
      unsafe mdb_txn_abort(transaction)
      throw error
    }
    try unsafe Self.check(mdb_txn_commit(transaction))
  }

  @inline(__always)
  fileprivate static func item(_ bytes: UnsafeRawBufferPointer) -> MDB_val {
    unsafe MDB_val(
      mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }

  @inline(__always)
  fileprivate static func check(_ code: Int32) throws {
    if code != MDB_SUCCESS { throw unsafe Failure("LMDB: \(String(cString: mdb_strerror(code)))") }
  }
}

/// A cursor over one database, within a transaction that outlives it.
@safe
final class LMDBCursor: OrderedCursor {
  private let cursor: OpaquePointer
  private var code: Int32
  private var keyItem = unsafe MDB_val()
  private var valueItem = unsafe MDB_val()

  /// At the first entry, or at the first whose key is not less than `lower`.
  init(_ transaction: OpaquePointer, _ database: MDB_dbi, from lower: [UInt8] = []) throws {
    var opened: OpaquePointer?
    try unsafe LMDBEngine.check(mdb_cursor_open(transaction, database, &opened))
    unsafe cursor = opened!
    code = 0
    if lower.isEmpty {
      move(MDB_FIRST)
    } else {
      unsafe lower.withUnsafeBytes { bytes in
        unsafe keyItem = LMDBEngine.item(bytes)
        move(MDB_SET_RANGE)
      }
    }
  }

  deinit { unsafe mdb_cursor_close(cursor) }

  func isAtEntry() throws -> Bool {
    if code == MDB_NOTFOUND { return false }
    try LMDBEngine.check(code)
    return true
  }

  func advance() { move(MDB_NEXT) }

  /// Removes the entry; the next one takes its place.
  func delete() throws {
    try unsafe LMDBEngine.check(mdb_cursor_del(cursor, 0))
    move(MDB_NEXT)
  }

  var key: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: keyItem.mv_data, count: keyItem.mv_size)
  }

  var value: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: valueItem.mv_data, count: valueItem.mv_size)
  }

  private func move(_ operation: MDB_cursor_op) {
    code = unsafe mdb_cursor_get(cursor, &keyItem, &valueItem, operation)
  }
}
