import CLMDB

/// A write transaction on a partition's file; there is one at a time. At `commit` all of it becomes visible
/// and durable, or nothing. If it is dropped instead, it is aborted.
///
/// After a throw it can only be dropped; LMDB lets a failed transaction do nothing else. It must stay on the
/// thread that began it.
@safe
struct WriteTransaction: ~Copyable {
  let environment: LMDBEnvironment
  private(set) var raw: RawTransaction?

  /// Estimates how many pages `reserve` and `delete` have made LMDB keep in anonymous memory, not counting
  /// inner ones: LMDB does not report it. Entries that are written one after the other into the same leaf lie
  /// within a page's length of each other.
  private(set) var changedPageCount = 0
  private var lastAddress: UInt = 0
  private var deletedCount = 0
  /// Stays where `reserve` last wrote. It is closed before anything else is written, so what that does to the
  /// pages below a cursor does not matter.
  private var cursor: OpaquePointer?

  init(environment: LMDBEnvironment, handle: OpaquePointer) {
    self.environment = environment
    unsafe raw = RawTransaction(handle: handle)
  }

  deinit {
    guard let raw else { return }
    if environment.isWriteAbandoned { return environment.writeTransactionAbandoned() }
    closeCursor()
    unsafe mdb_txn_abort(raw.handle)
    environment.writeTransactionEnded()
  }

  /// Syncs and publishes what was written. The first `EIO` or LMDB panic poisons the environment; a full disk
  /// does not.
  ///
  /// - Throws: `.diskFull`, `.io`, `.poisoned`, or `.lmdb`; if `isMapFull`, grow the map.
  consuming func commit() throws(StoreError) {
    let handle = unsafe raw!.handle
    // LMDB's rule: commit frees the handle whether it succeeds or not.
    raw = nil
    closeCursor()
    let code = unsafe kvd_mdb_txn_commit(handle)
    if code == KVD_MDB_ABANDONED {
      let error = environment.failure(code, "commit to")
      environment.writeTransactionAbandoned()
      throw error
    }
    environment.writeTransactionEnded()
    guard code == MDB_SUCCESS else { throw environment.failure(code, "commit to") }
  }

  /// Lends the value of the stored key `key` as this transaction sees it, or nil if there is none.
  func withValue<Result>(
    of key: RawSpan, in database: Database = .data,
    _ body: (RawSpan?) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    try raw!.withValue(of: key, in: database, environment, reader: nil, body)
  }

  /// Writes a copy of `value`. O(log n).
  mutating func put(_ database: Database = .data, _ key: RawSpan, _ value: RawSpan)
    throws(StoreError)
  {
    try StoredKey.check(byteCount: key.byteCount)
    forgetCursor()
    try check(raw!.put(environment.handle(of: database), key, value), "write to")
  }

  /// Reserves space for a value of `byteCount` bytes, which `body` fills; until then its contents are undefined.
  mutating func reserve(
    _ key: RawSpan, byteCount: Int, _ body: (inout MutableRawSpan) -> Void
  ) throws(StoreError) {
    try StoredKey.check(byteCount: key.byteCount)
    if unsafe cursor == nil {
      try check(
        unsafe kvd_mdb_cursor_open(raw!.handle, environment.handle(of: .data), &cursor), "write to")
    }
    let (code, room) = unsafe RawTransaction.reserve(with: cursor!, key, byteCount: byteCount)
    try check(code, "write to")
    noteChange(at: UInt(bitPattern: room.baseAddress), byteCount: byteCount)
    var target = unsafe room.mutableBytes
    body(&target)
  }

  private mutating func noteChange(at address: UInt, byteCount: Int) {
    let distance = address > lastAddress ? address - lastAddress : lastAddress - address
    lastAddress = address
    if byteCount > Self.pageByteCount {
      changedPageCount += byteCount / Self.pageByteCount + 1
    } else if distance >= UInt(Self.pageByteCount) {
      changedPageCount += 1
    }
  }

  /// LMDB uses the system's page size, which is this on every machine on which kvd runs.
  static let pageByteCount = 4096

  /// Removes `key`. Returns whether it existed.
  @discardableResult
  mutating func delete(_ database: Database = .data, _ key: RawSpan) throws(StoreError) -> Bool {
    try StoredKey.check(byteCount: key.byteCount)
    forgetCursor()
    let code = raw!.delete(environment.handle(of: database), key)
    if code == MDB_NOTFOUND { return false }
    try check(code, "write to")
    // LMDB does not report where the entry was. In key order, several usually share a leaf.
    deletedCount += 1
    if deletedCount % 4 == 0 { changedPageCount += 1 }
    return true
  }

  /// Lends a cursor that can also delete. LMDB's rule: a write transaction's cursor must be closed before the
  /// transaction ends, which the closure ensures.
  mutating func withCursor<Result>(
    in database: Database = .data, _ body: (inout Cursor) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    forgetCursor()
    var cursor = try unsafe Cursor(
      environment: environment, transaction: raw!.handle, database: database, reader: nil)
    return try body(&cursor)
  }

  private mutating func forgetCursor() {
    closeCursor()
    unsafe cursor = nil
  }

  /// LMDB's rule: must happen before the transaction ends.
  private func closeCursor() {
    if let cursor = unsafe cursor { unsafe mdb_cursor_close(cursor) }
  }

  private func check(_ code: Int32, _ operation: String) throws(StoreError) {
    guard code == MDB_SUCCESS else { throw environment.failure(code, operation) }
  }
}
