import CLMDB

/// A place in the order of keys.
///
/// Each move says whether it found an entry. Where it did not, the cursor is nowhere, and only `seek`,
/// `seekBackward`, `first` and `last` help; `next` and `previous` go on finding nothing. Entries of
/// keyspaces other than the plain one are never seen.
@safe
struct Cursor: ~Copyable {
  private let environment: LMDBEnvironment
  /// Kept alive; `nil` in a write transaction.
  private let reader: ReadTransaction?
  /// The reader's view that the cursor's pages belong to.
  private var generation: Int
  private let handle: OpaquePointer
  private var place = Place.nowhere
  private var key = unsafe MDB_val()
  private var value = unsafe MDB_val()

  private enum Place {
    case nowhere
    /// `key` and `value` are the entry's, keyspace byte included.
    case entry
    /// The entry was deleted: LMDB's cursor stands on the one behind it, and knows that its next step
    /// forward is none.
    case deleted
  }

  init(
    environment: LMDBEnvironment, transaction: OpaquePointer, database: Database,
    reader: ReadTransaction?
  ) throws(StoreError) {
    var cursor: OpaquePointer?
    let code = unsafe kvd_mdb_cursor_open(transaction, environment.handle(of: database), &cursor)
    guard code == MDB_SUCCESS, let cursor = unsafe cursor else {
      reader?.noteFailure()
      throw environment.failure(code, "open a cursor on")
    }
    unsafe handle = cursor
    self.environment = environment
    self.reader = reader
    generation = reader?.generation ?? 0
  }

  deinit {
    // An abandoned transaction's list of cursors must not be walked.
    if reader == nil, environment.isWriteAbandoned { return }
    unsafe mdb_cursor_close(handle)
  }

  // MARK: Moving

  mutating func first() throws(StoreError) -> Bool { try seek(RawSpan()) }

  mutating func last() throws(StoreError) -> Bool {
    try seekBackward(RawSpan(), in: StoredKey.plain + 1)
  }

  /// The first entry whose key is not below `bound`, which may be longer than a key can be.
  mutating func seek(_ bound: RawSpan) throws(StoreError) -> Bool {
    try attach()
    return try settle(moveToFirst(notBelow: bound, in: StoredKey.plain))
  }

  /// The last entry whose key is below `bound`.
  mutating func seekBackward(_ bound: RawSpan) throws(StoreError) -> Bool {
    try seekBackward(bound, in: StoredKey.plain)
  }

  private mutating func seekBackward(_ bound: RawSpan, in keyspace: UInt8) throws(StoreError)
    -> Bool
  {
    try attach()
    let code = moveToFirst(notBelow: bound, in: keyspace)
    return try settle(
      code == MDB_SUCCESS ? move(MDB_PREV) : code == MDB_NOTFOUND ? move(MDB_LAST) : code)
  }

  /// The entry after this one, or after the one that was deleted.
  mutating func next() throws(StoreError) -> Bool {
    try step(MDB_NEXT)
  }

  mutating func previous() throws(StoreError) -> Bool {
    try step(MDB_PREV)
  }

  private mutating func step(_ operation: MDB_cursor_op) throws(StoreError) -> Bool {
    guard place != .nowhere else { return false }
    try checkView()
    return try settle(move(operation))
  }

  // MARK: The entry

  /// Lends key and value of the entry that the last move found.
  @inline(__always)
  func withEntry<Result, Failure>(
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(place == .entry)
    precondition(reader.map { $0.isActive && $0.generation == generation } ?? true)
    let keyBytes = unsafe UnsafeRawBufferPointer(start: key.mv_data, count: key.mv_size)
    let valueBytes = unsafe UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
    let userKey = unsafe keyBytes.bytes.extracting(droppingFirst: 1)
    return try unsafe body(userKey, valueBytes.bytes)
  }

  /// Removes the entry, in a write transaction. `next` and `previous` go on from where it was.
  mutating func deleteCurrent() throws(StoreError) {
    precondition(place == .entry && reader == nil)
    place = .nowhere
    let code = unsafe kvd_mdb_cursor_del(handle)
    guard code == MDB_SUCCESS else { throw environment.failure(code, "write to") }
    place = .deleted
  }

  /// - Throws: where the view was let go of since the last move: the entry's bytes are gone then.
  @inline(__always)
  func checkView() throws(StoreError) {
    guard let reader else { return }
    guard reader.isActive, reader.generation == generation, !reader.hasFailed else {
      throw environment.failedView
    }
  }

  private func failure(_ code: Int32, _ operation: String) -> StoreError {
    reader?.noteFailure()
    return environment.failure(code, operation)
  }

  // MARK: LMDB's cursor

  /// Brings the cursor to the reader's present view. LMDB's rule: a cursor of a renewed transaction is
  /// renewed too before it is used.
  private mutating func attach() throws(StoreError) {
    place = .nowhere
    guard let reader else { return }
    precondition(reader.isActive)
    if reader.hasFailed { throw environment.failedView }
    guard reader.generation != generation else { return }
    let code = unsafe kvd_mdb_cursor_renew(reader.handle, handle)
    guard code == MDB_SUCCESS else { throw failure(code, "renew a cursor on") }
    generation = reader.generation
  }

  private mutating func moveToFirst(notBelow bound: RawSpan, in keyspace: UInt8) -> Int32 {
    var foundKey = unsafe MDB_val()
    var foundValue = unsafe MDB_val()
    let seekBytes = bound.extracting(first: StoredKey.seekByteCount(of: bound))
    let code = unsafe StoredKey.with(seekBytes, in: keyspace) { storedKey in
      let code = unsafe kvd_mdb_cursor_get(handle, &storedKey, &foundValue, MDB_SET_RANGE)
      // On success LMDB has pointed the key at the one it found.
      unsafe foundKey = storedKey
      return code
    }
    unsafe key = foundKey
    unsafe value = foundValue
    return code
  }

  private mutating func move(_ operation: MDB_cursor_op) -> Int32 {
    unsafe kvd_mdb_cursor_get(handle, &key, &value, operation)
  }

  /// Turns a status into whether there is an entry, and checks that it is one of ours.
  private mutating func settle(_ code: Int32) throws(StoreError) -> Bool {
    place = .nowhere
    guard code == MDB_SUCCESS else {
      guard code == MDB_NOTFOUND else { throw failure(code, "read") }
      return false
    }
    // Every key has its keyspace byte: what has none is no entry, and to take it for the end would hide
    // all that is behind it.
    guard unsafe key.mv_size > 0 else { throw failure(MDB_CORRUPTED, "read") }
    guard unsafe key.mv_data.load(as: UInt8.self) == StoredKey.plain else { return false }
    guard unsafe value.mv_size <= StoredValue.byteLimit else {
      let bytes = unsafe UnsafeRawBufferPointer(start: key.mv_data, count: key.mv_size)
      throw unsafe environment.oversized(
        value.mv_size, bytes.bytes.extracting(droppingFirst: 1))
    }
    place = .entry
    return true
  }
}
