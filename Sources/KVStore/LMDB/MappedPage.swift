import Base
import CLinux

/// One page of a tree in LMDB's map, whatever bytes it holds: nothing after its end is read, and what LMDB
/// would not have written yields nil.
///
/// LMDB 0.9, 64-bit, little-endian (`MDB_page`, `MDB_node` of mdb.c):
///
///     offset  size  field
///          0     8  page number
///         10     2  flags: 1 = branch, 2 = leaf, 4 = first page of an overflow run
///         12     2  end of the offsets; in an overflow run 4 bytes, its count of pages
///         16   2·n  offsets of the nodes, in the order of their keys
///
/// and each node, anywhere after the offsets:
///
///          0     2  low, 2 high: in a leaf the data's byte count,
///          4     2  flags: 1 = the data is the number of an overflow run;
///                   in a branch low, high and flags are the number of the child page
///          6     2  byte count of the key
///          8     …  key, then data
///
/// A branch's first node has no key: it leads to everything below the key of the second node.
@safe struct MappedPage: BitwiseCopyable {
  enum Kind: UInt16 {
    case branch = 1
    case leaf = 2
    case overflow = 4
  }

  private static let headerByteCount = 16
  private static let nodeHeaderByteCount = 8

  private let address: UnsafeRawPointer
  private let byteCount: Int
  /// The number of nodes.
  let count: Int

  /// The page at `address`, which the caller guarantees to be in the map; nil if it is not page `number`, or
  /// is of another kind.
  @inline(__always)
  init?(at address: UInt, number: UInt64, kind: Kind, byteCount: Int) {
    guard let address = unsafe UnsafeRawPointer(bitPattern: address) else { return nil }
    unsafe self.address = address
    self.byteCount = byteCount
    let offsetsEnd = unsafe Int(address.load(fromByteOffset: 12, as: UInt16.self))
    count = (offsetsEnd &- Self.headerByteCount) >> 1
    guard unsafe address.load(as: UInt64.self) == number,
      unsafe address.load(fromByteOffset: 10, as: UInt16.self) == kind.rawValue,
      kind == .overflow || offsetsEnd >= Self.headerByteCount && offsetsEnd <= byteCount
    else { return nil }
  }

  /// Prefetches the beginning of the page at `address`.
  @inline(__always)
  static func fetch(_ address: UInt) {
    unsafe kvd_prefetch(UnsafeRawPointer(bitPattern: address))
    unsafe kvd_prefetch(UnsafeRawPointer(bitPattern: address &+ 64))
  }

  /// Prefetches `byteCount` bytes, a whole number of cache lines.
  @inline(__always)
  static func fetch(_ address: UInt, byteCount: Int) {
    for offset in stride(from: 0, to: byteCount, by: lineByteCount) {
      unsafe kvd_prefetch(UnsafeRawPointer(bitPattern: address &+ UInt(offset)))
    }
  }

  static let lineByteCount = 64

  /// A page's bytes divided by this page's number of nodes, rounded up to whole cache lines.
  var byteCountPerNode: Int {
    let share = (byteCount + count - 1) / max(count, 1)
    return (share + Self.lineByteCount - 1) & -Self.lineByteCount
  }

  /// Prefetches the first bytes of every node at once. A binary search would wait for four or five of them,
  /// one after the other.
  @inline(__always)
  func fetchNodes() {
    for index in 0..<count { fetchNode(index) }
  }

  /// Prefetches the first bytes of one node.
  @inline(__always)
  func fetchNode(_ index: Int) {
    unsafe kvd_prefetch(address + (offset(of: index) & (byteCount &- 1)))
  }

  @inline(__always)
  private func offset(of index: Int) -> Int {
    unsafe Int(
      address.load(fromByteOffset: Self.headerByteCount &+ 2 &* index, as: UInt16.self))
  }

  /// A node that lies within the page, including its key.
  private struct Node {
    let offset: Int
    let keyByteCount: Int

    var dataOffset: Int { offset &+ MappedPage.nodeHeaderByteCount &+ keyByteCount }
  }

  @inline(__always)
  private func node(at index: Int) -> Node? {
    let offset = offset(of: index)
    guard offset >= Self.headerByteCount, offset &+ Self.nodeHeaderByteCount <= byteCount else {
      return nil
    }
    let keyByteCount = unsafe Int(
      address.loadUnaligned(fromByteOffset: offset &+ 6, as: UInt16.self))
    let node = Node(offset: offset, keyByteCount: keyByteCount)
    return node.dataOffset <= byteCount ? node : nil
  }

  /// Negative, zero or positive if the node's key comes before, equals or comes after the stored form of
  /// `address`, whose key begins with `window`; nil if the page does not hold the whole key.
  @inline(__always)
  func order(of index: Int, against address: EntryAddress, _ window: KeyWindow) -> Int? {
    guard let node = node(at: index), node.keyByteCount > 0 else { return nil }
    let start = unsafe self.address + node.offset + Self.nodeHeaderByteCount
    let keyspace = unsafe start.load(as: UInt8.self)
    guard keyspace == address.keyspace.rawValue else {
      return keyspace < address.keyspace.rawValue ? -1 : 1
    }
    let bytes = unsafe UnsafeRawBufferPointer(start: start + 1, count: node.keyByteCount &- 1).bytes
    let found = KeyWindow(bytes)
    if found != window { return found.isBefore(window) ? -1 : 1 }
    return bytes.compareTail(to: address.key)
  }

  /// The index of the least key that is not below `address`, among the nodes from `first` on, and whether the two
  /// are equal.
  @inline(__always)
  func search(
    _ address: EntryAddress, _ window: KeyWindow, from first: Int
  ) -> (index: Int, isMatch: Bool)? {
    var lower = first
    var upper = count
    while lower < upper {
      let middle = (lower &+ upper) >> 1
      guard let order = order(of: middle, against: address, window) else { return nil }
      if order == 0 { return (middle, true) }
      if order < 0 { lower = middle &+ 1 } else { upper = middle }
    }
    return (lower, false)
  }

  /// The number of the child page to which `address` belongs.
  @inline(__always)
  func child(for address: EntryAddress, _ window: KeyWindow) -> UInt64? {
    childIndex(for: address, window).flatMap { child(at: $0) }
  }

  /// The index of that child.
  @inline(__always)
  func childIndex(for address: EntryAddress, _ window: KeyWindow) -> Int? {
    guard count > 1, let (index, isMatch) = search(address, window, from: 1) else { return nil }
    return isMatch ? index : index &- 1
  }

  @inline(__always)
  func child(at index: Int) -> UInt64? {
    guard index >= 0, index < count, let node = node(at: index) else { return nil }
    let word = unsafe address.loadUnaligned(fromByteOffset: node.offset, as: UInt64.self)
    return word & (1 << 48 - 1)
  }

  /// What a leaf's node contains.
  @safe enum Data {
    case bytes(UnsafeRawBufferPointer)
    case overflow(number: UInt64, byteCount: Int)
  }

  @inline(__always)
  func data(at index: Int) -> Data? { node(at: index).flatMap { data(of: $0) } }

  /// The stored key and the data of a leaf's node; nil if it does not hold a key and all of its data.
  @inline(__always)
  func entry(at index: Int) -> (key: UnsafeRawBufferPointer, data: Data)? {
    guard index >= 0, index < count, let node = node(at: index), node.keyByteCount > 0,
      let data = data(of: node)
    else { return nil }
    let start = unsafe address + node.offset + Self.nodeHeaderByteCount
    return unsafe (UnsafeRawBufferPointer(start: start, count: node.keyByteCount), data)
  }

  @inline(__always)
  private func data(of node: Node) -> Data? {
    let flags = unsafe address.loadUnaligned(fromByteOffset: node.offset &+ 4, as: UInt16.self)
    let dataByteCount = unsafe Int(
      address.loadUnaligned(fromByteOffset: node.offset, as: UInt32.self))
    let room = byteCount &- node.dataOffset
    switch flags {
    case 0:
      guard dataByteCount <= room else { return nil }
      return unsafe .bytes(
        UnsafeRawBufferPointer(start: address + node.dataOffset, count: dataByteCount))
    case 1:
      guard room >= 8 else { return nil }
      return unsafe .overflow(
        number: address.loadUnaligned(fromByteOffset: node.dataOffset, as: UInt64.self),
        byteCount: dataByteCount)
    default: return nil
    }
  }

  /// The first `dataByteCount` bytes of an overflow run; nil if it is shorter, or has more than `pageLimit` pages.
  func overflowData(_ dataByteCount: Int, pageLimit: UInt64) -> UnsafeRawBufferPointer? {
    let pageCount = unsafe UInt64(address.load(fromByteOffset: 12, as: UInt32.self))
    guard pageCount <= pageLimit,
      dataByteCount <= Int(pageCount) * byteCount - Self.headerByteCount
    else { return nil }
    return unsafe UnsafeRawBufferPointer(
      start: address + Self.headerByteCount, count: dataByteCount)
  }
}
