import Base
import CLMDB

/// The tree of keys that one view of a partition's file holds, read straight from LMDB's map: what
/// `mdb_get` does, but a page's nodes are fetched together instead of one after the other.
///
/// It only ever takes the short way. Where a page is not what LMDB writes, the answer is `.unusual`, and
/// the caller asks LMDB, which says what is wrong.
///
/// The pages of a view are not written to while its read transaction lasts, which is as long as a tree
/// may be used. A sound tree refers to no page that the file does not have.
@safe struct MappedTree: BitwiseCopyable {
  @safe enum Found {
    case value(MappedValue)
    case absent
    case unusual
  }

  private let map: UInt
  private let pageByteCount: Int
  /// How many pages the file had when it was looked at, or later.
  private let pageLimit: UInt64
  let root: UInt64
  /// How many pages lie on the way from the root to an entry; 0 where the tree is empty.
  let depth: Int

  /// LMDB's cursors have no room for deeper trees.
  private static let depthLimit = 32
  private static let emptyRoot = UInt64.max

  /// The tree of `database` as `transaction` sees it, in a map that begins at `map`.
  ///
  /// LMDB's record of a database (`MDB_db` of mdb.c) is the value of its name in the main database: flags
  /// u16 at 4, depth u16 at 6, root page u64 at 40.
  init?(
    _ database: Database, in transaction: OpaquePointer, map: UInt, pageByteCount: Int,
    pageLimit: UInt64
  ) {
    guard map != 0, let record = unsafe Self.record(of: database, in: transaction) else {
      return nil
    }
    let flags = unsafe record.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
    depth = unsafe Int(record.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
    root = unsafe record.loadUnaligned(fromByteOffset: 40, as: UInt64.self)
    guard flags == 0, depth <= Self.depthLimit, (depth == 0) == (root == Self.emptyRoot) else {
      return nil
    }
    self.map = map
    self.pageByteCount = pageByteCount
    self.pageLimit = pageLimit
  }

  /// The main database has no name, but this number always.
  private static let mainDatabase: MDB_dbi = 1
  private static let recordByteCount = 48

  /// LMDB's record of a named database, where it lies in the map.
  static func record(
    of database: Database, in transaction: OpaquePointer
  ) -> UnsafeRawBufferPointer? {
    var name = database.name
    var value = unsafe MDB_val()
    let status = name.withUTF8 { bytes in
      // LMDB only reads what `mv_data` points at.
      var key = unsafe MDB_val(
        mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
      return unsafe kvd_mdb_get(transaction, mainDatabase, &key, &value)
    }
    guard status == MDB_SUCCESS, unsafe value.mv_size == recordByteCount else { return nil }
    return unsafe UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
  }

  @inline(__always)
  func page(_ number: UInt64, _ kind: MappedPage.Kind) -> MappedPage? {
    guard number < pageLimit else { return nil }
    return MappedPage(
      at: map &+ UInt(number) &* UInt(pageByteCount), number: number, kind: kind,
      byteCount: pageByteCount)
  }

  /// The value of `key`, which lies in the map. O(log n).
  @inline(__always)
  func find(_ key: RawSpan) -> Found {
    if depth == 0 { return .absent }
    let window = KeyWindow(key)
    guard let leaf = leaf(for: key, window) else { return .unusual }
    leaf.fetchNodes()
    return find(key, window, in: leaf)
  }

  /// The same where it is known which leaf the key belongs to, and its nodes have been asked for.
  @inline(__always)
  func find(_ key: RawSpan, inLeaf number: UInt64) -> Found {
    page(number, .leaf).map { find(key, KeyWindow(key), in: $0) } ?? .unusual
  }

  @inline(__always)
  private func find(_ key: RawSpan, _ window: KeyWindow, in leaf: MappedPage) -> Found {
    guard let (index, isMatch) = leaf.search(key, window, from: 0) else { return .unusual }
    guard isMatch else { return .absent }
    switch leaf.data(at: index) {
    case .bytes(let bytes): return unsafe .value(MappedValue(bytes: bytes))
    case .overflow(let number, let byteCount): return overflow(number, byteCount)
    case nil: return .unusual
    }
  }

  @inline(__always)
  private func leaf(for key: RawSpan, _ window: KeyWindow) -> MappedPage? {
    var number = root
    for _ in 1..<depth {
      guard let child = page(number, .branch)?.child(for: key, window) else { return nil }
      number = child
    }
    return page(number, .leaf)
  }

  /// Asks for the beginning of page `number`, without waiting for it. False where the file has no such page.
  @inline(__always)
  func fetchPage(_ number: UInt64) -> Bool {
    guard let address = address(of: number) else { return false }
    MappedPage.fetch(address)
    return true
  }

  /// Asks for the nodes of a leaf that was asked for before.
  @inline(__always)
  func fetchNodes(of leaf: UInt64) { page(leaf, .leaf)?.fetchNodes() }

  /// Where page `number` begins, for hints; nil where the file has no such page.
  @inline(__always)
  func address(of number: UInt64) -> UInt? {
    number < pageLimit ? map &+ UInt(number) &* UInt(pageByteCount) : nil
  }

  /// An entry of a leaf; nil where it is not one of the plain keyspace as LMDB writes them, or is larger than
  /// any can be.
  @inline(__always)
  func entry(of leaf: MappedPage, at index: Int) -> MappedEntry? {
    guard let (key, data) = unsafe leaf.entry(at: index) else { return nil }
    switch data {
    case .bytes(let value): return unsafe MappedEntry(key: key, value: value)
    case .overflow(let number, let byteCount):
      guard byteCount <= StoredValue.byteLimit,
        case .value(let value) = overflow(number, byteCount)
      else { return nil }
      return unsafe MappedEntry(key: key, value: value.bytes)
    }
  }

  private func overflow(_ number: UInt64, _ byteCount: Int) -> Found {
    guard
      let bytes = unsafe page(number, .overflow)?.overflowData(
        byteCount, pageLimit: pageLimit - number)
    else { return .unusual }
    return unsafe .value(MappedValue(bytes: bytes))
  }
}

/// What is stored under a key where it lies in the map, as long as the view lasts that its tree is of.
@safe struct MappedValue: BitwiseCopyable {
  fileprivate let bytes: UnsafeRawBufferPointer

  var byteCount: Int { unsafe bytes.count }

  /// Asks for the first bytes, without waiting for them.
  @inline(__always)
  func fetch() {
    MappedPage.fetch(unsafe UInt(bitPattern: bytes.baseAddress), byteCount: min(byteCount, 256))
  }

  @inline(__always)
  func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    unsafe try body(bytes.bytes)
  }
}

/// An entry where it lies in the map, as long as the view lasts that its tree is of.
@safe struct MappedEntry: BitwiseCopyable {
  /// With the keyspace byte before it.
  fileprivate let key: UnsafeRawBufferPointer
  fileprivate let value: UnsafeRawBufferPointer

  @inline(__always)
  var window: KeyWindow { withBytes { key, _ in KeyWindow(key) } }

  /// Lends the user's key and what is stored under it.
  @inline(__always)
  func withBytes<R, E: Error>(_ body: (RawSpan, RawSpan) throws(E) -> R) throws(E) -> R {
    unsafe try body(key.bytes.extracting(droppingFirst: 1), value.bytes)
  }
}
