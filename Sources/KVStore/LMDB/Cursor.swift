import CLMDB

/// A position in the order of stored keys, over all keyspaces.
///
/// Each move returns whether it found an entry. If not, the cursor has no position, and only `seek`,
/// `seekBackward` and `first` can give it one; `next` and `previous` find nothing.
@safe
struct Cursor: ~Copyable {
  private let environment: LMDBEnvironment
  /// Keeps the read transaction alive; nil in a write transaction.
  private let reader: ReadTransaction?
  /// The reader's view to which the cursor's pages belong.
  private var generation: Int
  private let handle: OpaquePointer
  private var place = Place.nowhere
  private var key = unsafe MDB_val()
  private var value = unsafe MDB_val()

  private enum Place {
    case nowhere
    /// `key` and `value` are those of the entry.
    case entry
    /// The entry was deleted. LMDB's cursor is at the entry after it, and knows not to move on the next step forward.
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
    // The list of cursors of an abandoned transaction must not be walked.
    if reader == nil, environment.isWriteAbandoned { return }
    unsafe mdb_cursor_close(handle)
  }

  // MARK: Moving

  mutating func first() throws(StoreError) -> Bool {
    try attach()
    return try settle(move(MDB_FIRST))
  }

  /// Moves to the first entry whose stored key is not below `bound`, which is not empty, and may be longer
  /// than any key.
  mutating func seek(_ bound: RawSpan) throws(StoreError) -> Bool {
    try attach()
    return try settle(moveToFirst(notBelow: bound))
  }

  /// Moves to the last entry whose stored key is below `bound`.
  mutating func seekBackward(_ bound: RawSpan) throws(StoreError) -> Bool {
    try attach()
    let code = moveToFirst(notBelow: bound)
    return try settle(
      code == MDB_SUCCESS ? move(MDB_PREV) : code == MDB_NOTFOUND ? move(MDB_LAST) : code)
  }

  /// Moves to the entry after this one, or after the deleted one.
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

  /// Lends the stored key and the stored value of the entry that the last move found.
  @inline(__always)
  func withEntry<Result, Failure>(
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(place == .entry)
    precondition(reader.map { $0.isActive && $0.generation == generation } ?? true)
    let keyBytes = unsafe UnsafeRawBufferPointer(start: key.mv_data, count: key.mv_size)
    let valueBytes = unsafe UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
    return try unsafe body(keyBytes.bytes, valueBytes.bytes)
  }

  /// Removes the entry, in a write transaction. `next` and `previous` continue from its position.
  mutating func deleteCurrent() throws(StoreError) {
    precondition(place == .entry && reader == nil)
    place = .nowhere
    let code = unsafe kvd_mdb_cursor_del(handle)
    guard code == MDB_SUCCESS else { throw environment.failure(code, "write to") }
    place = .deleted
  }

  /// - Throws: if the view was released or has failed since the last move: the entry's bytes are then
  ///   invalid.
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

  /// Brings the cursor to the reader's current view. LMDB's rule: a cursor of a renewed transaction must be
  /// renewed itself before it is used.
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

  private mutating func moveToFirst(notBelow bound: RawSpan) -> Int32 {
    var foundKey = unsafe MDB_val()
    var foundValue = unsafe MDB_val()
    let seekBytes = bound.extracting(first: StoredKey.seekByteCount(of: bound))
    let code = unsafe MDB_val.with(seekBytes) { key in
      let code = unsafe kvd_mdb_cursor_get(handle, &key, &foundValue, MDB_SET_RANGE)
      // On success LMDB has pointed the key at the one that it found.
      unsafe foundKey = key
      return code
    }
    unsafe key = foundKey
    unsafe value = foundValue
    return code
  }

  private mutating func move(_ operation: MDB_cursor_op) -> Int32 {
    unsafe kvd_mdb_cursor_get(handle, &key, &value, operation)
  }

  /// Converts a status to whether there is an entry, and checks that entry's size.
  private mutating func settle(_ code: Int32) throws(StoreError) -> Bool {
    place = .nowhere
    guard code == MDB_SUCCESS else {
      guard code == MDB_NOTFOUND else { throw failure(code, "read") }
      return false
    }
    // An empty key is damage; to treat it as the end would hide everything after it.
    guard unsafe key.mv_size > 0 else { throw failure(MDB_CORRUPTED, "read") }
    guard unsafe value.mv_size <= StoredValue.byteLimit else {
      let bytes = unsafe UnsafeRawBufferPointer(start: key.mv_data, count: key.mv_size)
      throw unsafe environment.oversized(value.mv_size, bytes.bytes)
    }
    place = .entry
    return true
  }
}
