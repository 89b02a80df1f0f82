import Base

/// One of the two meta pages at the beginning of an LMDB data file; transaction N writes page N % 2. Parsed
/// without LMDB, which aborts or takes SIGBUS on pages that this refuses.
///
/// Offsets are from the start of the page (LMDB 0.9, 64-bit, the processor's byte order; `MDB_page`,
/// `MDB_meta`, `MDB_db` of mdb.c):
///
///     offset  size  field
///          0     8  page number, 0 or 1
///         10     2  flags: 0x08 = meta page
///         16     4  magic 0xBEEFC0DE
///         20     4  data version 1
///         32     8  map size
///         40     4  page byte count (stored in the free tree's record)
///         44     2  flags of the free tree: 0x08 = integer keys
///         46     2  depth of the free tree
///         80     8  root of the free tree, all ones = empty
///         92     2  flags of the main tree: 0
///         94     2  depth of the main tree
///        128     8  root of the main tree, all ones = empty
///        136     8  last page in use
///        144     8  transaction id
struct MetaPage: Equatable {
  static let byteCount = 152
  static let noPage = UInt64.max

  private static let metaFlag: UInt16 = 0x08
  private static let magic: UInt32 = 0xBEEF_C0DE
  private static let version: UInt32 = 1
  /// What LMDB creates: the system's page size, at most 32 KiB.
  private static let pageByteCounts: ClosedRange<UInt32> = 4096...32768
  /// LMDB's cursors do not support deeper trees.
  private static let depthLimit: UInt16 = 32

  let pageByteCount: Int
  let freeRoot: UInt64
  let freeDepth: Int
  let mainRoot: UInt64
  let mainDepth: Int
  let lastPage: UInt64
  let transactionID: UInt64

  /// The least length at which the file contains every page in use.
  var end: UInt64 { (lastPage + 1) * UInt64(pageByteCount) }

  /// Checks a page that begins at `offset` of `file`.
  ///
  /// - Throws: `.corrupted`, or `.unsupportedFormat` for another data version.
  init(_ bytes: RawSpan, number: UInt64, offset: UInt64, file: String) throws(StoreError) {
    func damage(_ at: Int, _ expected: String, _ found: some BinaryInteger) -> StoreError {
      .corrupted(
        Finding(
          file: file, offset: offset + UInt64(at), expected: "\(expected) in meta page \(number)",
          found: "0x" + String(found, radix: 16)))
    }
    guard bytes.byteCount >= Self.byteCount else {
      throw damage(bytes.byteCount, "\(Self.byteCount) bytes", bytes.byteCount)
    }
    let magic = bytes.load(at: 16, as: UInt32.self)
    guard magic == Self.magic else { throw damage(16, "magic 0xbeefc0de", magic) }
    let version = bytes.load(at: 20, as: UInt32.self)
    guard version == Self.version else {
      throw .unsupportedFormat(
        path: file, found: "LMDB data version \(version)",
        supported: "LMDB data version \(Self.version)")
    }
    let pageNumber = bytes.load(at: 0, as: UInt64.self)
    guard pageNumber == number else { throw damage(0, "page number \(number)", pageNumber) }
    let flags = bytes.load(at: 10, as: UInt16.self)
    guard flags & Self.metaFlag != 0 else { throw damage(10, "flag 0x08", flags) }
    let pageByteCount = bytes.load(at: 40, as: UInt32.self)
    guard Self.pageByteCounts.contains(pageByteCount), pageByteCount.nonzeroBitCount == 1 else {
      throw damage(40, "a valid page size", pageByteCount)
    }
    let lastPage = bytes.load(at: 136, as: UInt64.self)
    guard lastPage >= 1, lastPage < 1 << 47 / UInt64(pageByteCount) else {
      throw damage(136, "a valid last page", lastPage)
    }
    // The roots are 34 bytes after the depths.
    for (at, treeFlags) in [(46, 0x08), (94, 0)] as [(Int, UInt16)] {
      let flags = bytes.load(at: at - 2, as: UInt16.self)
      guard flags == treeFlags else { throw damage(at - 2, "flags \(treeFlags)", flags) }
      let depth = bytes.load(at: at, as: UInt16.self)
      let root = bytes.load(at: at + 34, as: UInt64.self)
      guard depth <= Self.depthLimit, (depth == 0) == (root == Self.noPage) else {
        throw damage(at, "a valid tree depth", depth)
      }
    }
    self.pageByteCount = Int(pageByteCount)
    freeRoot = bytes.load(at: 80, as: UInt64.self)
    freeDepth = Int(bytes.load(at: 46, as: UInt16.self))
    mainRoot = bytes.load(at: 128, as: UInt64.self)
    mainDepth = Int(bytes.load(at: 94, as: UInt16.self))
    self.lastPage = lastPage
    transactionID = bytes.load(at: 144, as: UInt64.self)
  }

  /// Checks what only the newer of the two pages must satisfy.
  ///
  /// If a meta page could not be written, LMDB restores the last page and the transaction id of the older
  /// one, but leaves the newer roots beside them. Such a page is never used.
  func checkRoots(number: UInt64, file: String) throws(StoreError) {
    for (at, root) in [(80, freeRoot), (128, mainRoot)] as [(Int, UInt64)]
    where root != Self.noPage && !(2...max(2, lastPage)).contains(root) {
      throw .corrupted(
        Finding(
          file: file, offset: number * UInt64(pageByteCount) + UInt64(at),
          expected: "a root page no later than last page \(lastPage) in meta page \(number)",
          found: "0x" + String(root, radix: 16)))
    }
  }
}
