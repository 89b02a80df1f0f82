import Base
import CLMDB

/// A view of a partition's file that does not change, whatever is written meanwhile.
///
/// An active one keeps LMDB from reusing pages, so the file grows: hold it for a batch of reads, never while
/// waiting for a client. `reset` releases the view and keeps the reader slot; `renew` takes a new view.
///
/// `@unchecked Sendable` is sound: with `MDB_NOTLS` LMDB ties a reader to this object and not to a thread.
/// Its users must ensure that one thread at a time uses it, as a pool does.
@safe
final class ReadTransaction: @unchecked Sendable {
  let environment: LMDBEnvironment
  private(set) var isActive = true

  /// Incremented at every `renew`: tells a cursor that its pages belong to an earlier view.
  private(set) var generation = 0

  /// Whether a read of this view has failed: it answers nothing more until it is renewed. (LMDB itself
  /// refuses reads after some errors, but does not know of a failed assertion.)
  private(set) var hasFailed = false

  private let raw: RawTransaction

  /// The key tree in the view of `treeGeneration`, if it can be walked without LMDB.
  private var tree: MappedTree?
  private var treeGeneration = -1

  init(environment: LMDBEnvironment, handle: OpaquePointer) {
    self.environment = environment
    unsafe raw = RawTransaction(handle: handle)
  }

  deinit {
    unsafe mdb_txn_abort(raw.handle)
    environment.transactionEnded()
  }

  var handle: OpaquePointer { unsafe raw.handle }

  /// LMDB's number of the newest write transaction in the view.
  var transactionID: Int { unsafe mdb_txn_id(raw.handle) }

  /// Releases the view. Bytes lent from it become invalid; cursors on it must seek after the next `renew`.
  func reset() {
    guard isActive else { return }
    unsafe mdb_txn_reset(raw.handle)
    isActive = false
  }

  /// Takes a view of the file as it is now.
  func renew() throws(StoreError) {
    reset()
    let code = unsafe mdb_txn_renew(raw.handle)
    guard code == MDB_SUCCESS else { throw environment.failure(code, "renew a reader of") }
    isActive = true
    hasFailed = false
    generation &+= 1
  }

  func noteFailure() { hasFailed = true }

  /// Lends the stored value of the entry at `address`, or nil if there is none. O(log n), no allocation.
  ///
  /// A value larger than `StoredValue.byteLimit` is damage: reading it would go beyond the end of the map.
  ///
  /// - Throws: `.keyTooLong`, `.corrupted`, and what `body` throws.
  @inline(__always)
  func withValue<Result>(
    of address: EntryAddress, _ body: (RawSpan?) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    precondition(isActive)
    if hasFailed { throw environment.failedView }
    switch find(address) {
    case .value(let value) where value.byteCount <= StoredValue.byteLimit:
      return try value.withBytes { bytes throws(StoreError) in try body(bytes) }
    case .absent: return try body(nil)
    case .value, .unusual: break
    }
    try StoredKey.check(byteCount: address.key.byteCount + 1)
    return try raw.withValue(
      of: address.storedKey.rawSpan, in: .data, environment, reader: self, body)
  }

  /// Lends the value of `key` in one of the databases of records.
  func withRecord<Result>(
    of key: [UInt8], in database: Database, _ body: (RawSpan?) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    precondition(isActive)
    if hasFailed { throw environment.failedView }
    return try raw.withValue(of: key.rawSpan, in: database, environment, reader: self, body)
  }

  /// The key tree of the view; nil if only LMDB can walk it.
  @inline(__always)
  var mappedTree: MappedTree? {
    if treeGeneration != generation { findTree() }
    return tree
  }

  /// Finds the entry at `address` in the mapped pages of the view, as far as they are as expected.
  ///
  /// - Parameter leaf: the leaf to which the key belongs, if known.
  @inline(__always)
  func find(_ address: EntryAddress, inLeaf leaf: UInt64? = nil) -> MappedTree.Found {
    guard let tree = mappedTree, address.key.byteCount < Limits.storedKeyByteCount else {
      return .unusual
    }
    if let leaf { return tree.find(address, inLeaf: leaf) }
    return tree.find(address)
  }

  @inline(never)
  private func findTree() {
    tree = unsafe environment.mappedTree(in: raw.handle)
    treeGeneration = generation
  }

  /// A cursor that keeps this transaction alive.
  func makeCursor(in database: Database = .data) throws(StoreError) -> Cursor {
    if hasFailed { throw environment.failedView }
    return try unsafe Cursor(
      environment: environment, transaction: raw.handle, database: database, reader: self)
  }
}

extension RawTransaction {
  @inline(__always)
  func withValue<Result>(
    of key: RawSpan, in database: Database, _ environment: LMDBEnvironment,
    reader: ReadTransaction?,
    _ body: (RawSpan?) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    try StoredKey.check(byteCount: key.byteCount)
    let (code, bytes) = unsafe get(environment.handle(of: database), key)
    guard code == MDB_SUCCESS else {
      guard code == MDB_NOTFOUND else {
        reader?.noteFailure()
        throw environment.failure(code, "read")
      }
      return try body(nil)
    }
    let count = bytes.count
    guard count <= StoredValue.byteLimit else {
      throw environment.oversized(count, key)
    }
    return try unsafe body(bytes.bytes)
  }
}

extension LMDBEnvironment {
  @inline(never)
  func oversized(_ byteCount: Int, _ storedKey: RawSpan) -> StoreError {
    let address = EntryAddress(storedAs: storedKey)
    let error = StoreError.corrupted(
      Finding(
        file: path, at: address,
        expected: "a value of at most \(StoredValue.byteLimit) bytes", found: "\(byteCount)"))
    noteDamagedValue(error, at: address)
    return error
  }
}
