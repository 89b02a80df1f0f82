import Base

/// Reads the list of free pages directly from a data file, without LMDB and its map.
///
/// The list is a tree of its own. Its entries, one per transaction that freed pages, hold a count and that
/// many page numbers. Page layout (`MDB_page`, `MDB_node` of mdb.c): flags u16 at 10, end of the offsets u16
/// at 12, offsets of nodes u16 from 16. A node is low u16, high u16, flags u16, key byte count u16, key,
/// data. In a branch the first three are the child's page number. In a leaf low and high are the data's byte
/// count, and flag 1 means that the data is the number of the page where an overflow run begins.
struct FreePageReader {
  private static let branchFlag: UInt16 = 0x01
  private static let leafFlag: UInt16 = 0x02
  private static let overflowFlag: UInt16 = 0x04
  private static let headerByteCount = 16

  private let meta: MetaPage
  /// How many more pages may be read: no more than the file has, so that a cycle of pages ends.
  private var budget: UInt64
  /// The requested free pages that were found so far.
  private var found: Set<UInt64> = []

  init(meta: MetaPage, fileByteCount: UInt64) {
    self.meta = meta
    budget = fileByteCount / UInt64(meta.pageByteCount)
  }

  /// Whether each of `pages` is free. False if the list cannot be read to its end.
  mutating func contain(_ pages: ClosedRange<UInt64>, in file: borrowing FileDescriptor)
    throws(StoreError) -> Bool
  {
    guard meta.freeRoot != MetaPage.noPage else { return false }
    let isSound = try visit(meta.freeRoot, depth: meta.freeDepth, pages, file)
    // The set holds only members of the range, each once.
    return isSound && UInt64(found.count) == pages.upperBound - pages.lowerBound + 1
  }

  private mutating func visit(
    _ number: UInt64, depth: Int, _ wanted: ClosedRange<UInt64>,
    _ file: borrowing FileDescriptor
  ) throws(StoreError) -> Bool {
    guard depth > 0, let page = try read(number, byteCount: meta.pageByteCount, file) else {
      return false
    }
    let flags = page.load(at: 10, as: UInt16.self)
    let offsetsEnd = Int(page.load(at: 12, as: UInt16.self))
    guard flags == (depth == 1 ? Self.leafFlag : Self.branchFlag),
      (Self.headerByteCount...page.count).contains(offsetsEnd)
    else { return false }

    for at in stride(from: Self.headerByteCount, to: offsetsEnd - 1, by: 2) {
      let node = Int(page.load(at: at, as: UInt16.self))
      guard node >= offsetsEnd, node + 8 <= page.count else { return false }
      let isSound =
        depth == 1
        ? try collect(page, node: node, wanted, file)
        : try visit(
          page.load(at: node, as: UInt64.self) & 0xFFFF_FFFF_FFFF, depth: depth - 1, wanted, file)
      guard isSound else { return false }
    }
    return true
  }

  private mutating func collect(
    _ page: [UInt8], node: Int, _ wanted: ClosedRange<UInt64>,
    _ file: borrowing FileDescriptor
  ) throws(StoreError) -> Bool {
    let byteCount = Int(page.load(at: node, as: UInt32.self))
    let isOverflow = page.load(at: node + 4, as: UInt16.self) & 1 != 0
    let data = node + 8 + Int(page.load(at: node + 6, as: UInt16.self))
    guard data + (isOverflow ? 8 : byteCount) <= page.count else { return false }
    guard isOverflow else {
      return collect(page[data..<data + byteCount], wanted)
    }
    let first = page.load(at: data, as: UInt64.self)
    guard
      let run = try read(first, byteCount: Self.headerByteCount + byteCount, file),
      run.load(at: 10, as: UInt16.self) == Self.overflowFlag
    else { return false }
    return collect(run[Self.headerByteCount...], wanted)
  }

  private mutating func collect(_ list: ArraySlice<UInt8>, _ wanted: ClosedRange<UInt64>)
    -> Bool
  {
    let list = Array(list)
    guard list.count >= 8 else { return false }
    let count = list.load(at: 0, as: UInt64.self)
    guard count <= UInt64(list.count / 8 - 1) else { return false }
    for index in 0..<Int(count) {
      let page = list.load(at: 8 + 8 * index, as: UInt64.self)
      if wanted.contains(page) { found.insert(page) }
    }
    return true
  }

  /// Nil if the pages are not all inside the file, or the budget is spent.
  private mutating func read(
    _ number: UInt64, byteCount: Int, _ file: borrowing FileDescriptor
  ) throws(StoreError) -> [UInt8]? {
    let pageCount = UInt64((byteCount + meta.pageByteCount - 1) / meta.pageByteCount)
    guard pageCount <= budget, number <= meta.lastPage else { return nil }
    budget -= pageCount
    let bytes = try Files.read(
      byteCount, at: Int(number) * meta.pageByteCount, from: file)
    return bytes.count == byteCount ? bytes : nil
  }
}
