import Base
import CLMDB

/// The key tree of one view of a partition's file, read directly from LMDB's map. It does what `mdb_get`
/// does, but fetches a page's nodes together instead of one after the other.
///
/// It handles only the usual case. If a page is not as LMDB writes it, the answer is `.unusual`, and the
/// caller asks LMDB, which says what is wrong.
///
/// A tree may be used as long as its read transaction lasts: until then, the pages of the view are not
/// written to. A sound tree refers to no page that the file does not have.
@safe struct MappedTree: BitwiseCopyable {
  @safe enum Found {
    case value(MappedValue)
    case absent
    case unusual
  }

  private let map: UInt
  private let pageByteCount: Int
  /// The number of pages in the file when the view was taken, or later.
  private let pageLimit: UInt64
  let root: UInt64
  /// The number of pages from the root to an entry; 0 if the tree is empty.
  let depth: Int

  /// LMDB's cursors do not support deeper trees.
  private static let depthLimit = 32
  private static let emptyRoot = UInt64.max

  /// The tree of `database` as `transaction` sees it, in a map that begins at `map`.
  ///
  /// LMDB's record of a database (`MDB_db` of mdb.c) is the value of its name in the main database: flags u16
  /// at 4, depth u16 at 6, root page u64 at 40.
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

  /// The main database has no name, but always this number.
  private static let mainDatabase: MDB_dbi = 1
  private static let recordByteCount = 48

  /// LMDB's record of a named database, in the map.
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

  /// Finds the value of the entry at `address`, in the map. O(log n).
  @inline(__always)
  func find(_ address: EntryAddress) -> Found {
    if depth == 0 { return .absent }
    let window = KeyWindow(address.key)
    guard let leaf = leaf(for: address, window) else { return .unusual }
    leaf.fetchNodes()
    return find(address, window, in: leaf)
  }

  /// The same if the entry's leaf is known and its nodes were prefetched.
  @inline(__always)
  func find(_ address: EntryAddress, inLeaf number: UInt64) -> Found {
    guard let page = page(number, .leaf) else { return .unusual }
    return find(address, KeyWindow(address.key), in: page)
  }

  @inline(__always)
  private func find(_ address: EntryAddress, _ window: KeyWindow, in leaf: MappedPage) -> Found {
    guard let (index, isMatch) = leaf.search(address, window, from: 0) else { return .unusual }
    guard isMatch else { return .absent }
    switch leaf.data(at: index) {
    case .bytes(let bytes): return unsafe .value(MappedValue(bytes: bytes))
    case .overflow(let number, let byteCount): return overflow(number, byteCount)
    case nil: return .unusual
    }
  }

  @inline(__always)
  private func leaf(for address: EntryAddress, _ window: KeyWindow) -> MappedPage? {
    var number = root
    for _ in 1..<depth {
      guard let child = page(number, .branch)?.child(for: address, window) else { return nil }
      number = child
    }
    return page(number, .leaf)
  }

  /// Prefetches the beginning of page `number`. Returns false if the file has no such page.
  @inline(__always)
  func fetchPage(_ number: UInt64) -> Bool {
    guard let address = address(of: number) else { return false }
    MappedPage.fetch(address)
    return true
  }

  /// Prefetches the nodes of a leaf that was prefetched before.
  @inline(__always)
  func fetchNodes(of leaf: UInt64) { page(leaf, .leaf)?.fetchNodes() }

  /// The address of page `number`, for prefetching; nil if the file has no such page.
  @inline(__always)
  func address(of number: UInt64) -> UInt? {
    number < pageLimit ? map &+ UInt(number) &* UInt(pageByteCount) : nil
  }

  /// An entry of a leaf; nil if it is not as LMDB writes it, or is larger than any entry can be.
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

/// A stored value in the map. Valid as long as the view of its tree.
@safe struct MappedValue: BitwiseCopyable {
  fileprivate let bytes: UnsafeRawBufferPointer

  var byteCount: Int { unsafe bytes.count }

  /// Prefetches the first bytes, at most 256.
  @inline(__always)
  func fetch() {
    MappedPage.fetch(unsafe UInt(bitPattern: bytes.baseAddress), byteCount: min(byteCount, 256))
  }

  @inline(__always)
  func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    unsafe try body(bytes.bytes)
  }
}

/// An entry in the map. Valid as long as the view of its tree.
@safe struct MappedEntry: BitwiseCopyable {
  /// The stored key.
  fileprivate let key: UnsafeRawBufferPointer
  fileprivate let value: UnsafeRawBufferPointer

  @inline(__always)
  var window: KeyWindow { withBytes { key, _ in KeyWindow(key) } }

  @inline(__always)
  var keyspace: Keyspace { unsafe Keyspace(unchecked: key.load(as: UInt8.self)) }

  /// Lends the key and the stored value.
  @inline(__always)
  func withBytes<R, E: Error>(_ body: (RawSpan, RawSpan) throws(E) -> R) throws(E) -> R {
    unsafe try body(key.bytes.extracting(droppingFirst: 1), value.bytes)
  }
}
