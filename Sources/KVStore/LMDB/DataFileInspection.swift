import Base
import Glibc

/// Inspects a data file before LMDB opens it.
///
/// LMDB 0.9 treats an empty or missing file as an empty database, aborts on a zeroed meta page, and takes
/// SIGBUS if a page in use lies beyond the end of the file. All of this is detected here with a few small
/// reads, and nothing is changed.
enum DataFileInspection {
  /// - Parameter leastByteCount: the size recorded in the manifest; LMDB's files never shrink.
  /// - Returns: the newest meta page.
  /// - Throws: `.corrupted`, naming the byte; `.io` if the file cannot be read.
  @discardableResult
  static func inspect(_ path: String, leastByteCount: UInt64) throws(StoreError) -> MetaPage {
    guard try Files.exists(path) else {
      throw .corrupted(
        Finding(file: path, expected: "the partition's data file", found: "no such file"))
    }
    let file = try Files.open(path, O_RDONLY)
    let byteCount = UInt64(try Files.byteCount(of: file))
    guard byteCount > 0, byteCount >= leastByteCount else {
      throw short(path, byteCount, expected: max(leastByteCount, 1))
    }
    let newest = try newestMetaPage(file)
    guard byteCount < newest.end else { return newest }

    // Pages that a transaction allocates and frees again are never written, so a sound file may end before
    // its last page. But then every missing page is in the list of free pages.
    let missing = byteCount / UInt64(newest.pageByteCount)...newest.lastPage
    var freePages = FreePageReader(meta: newest, fileByteCount: byteCount)
    guard try freePages.contain(missing, in: file) else {
      throw short(path, byteCount, expected: newest.end)
    }
    return newest
  }

  static func newestMetaPage(_ file: borrowing FileDescriptor) throws(StoreError)
    -> MetaPage
  {
    let first = try metaPage(0, at: 0, file)
    let second = try metaPage(1, at: first.pageByteCount, file)
    guard first.pageByteCount == second.pageByteCount else {
      throw .corrupted(
        Finding(
          file: file.path, offset: UInt64(first.pageByteCount + 40),
          expected: "page size \(first.pageByteCount) in meta page 1",
          found: "\(second.pageByteCount)"))
    }
    let isSecond = second.transactionID > first.transactionID
    let newest = isSecond ? second : first
    try newest.checkRoots(number: isSecond ? 1 : 0, file: file.path)
    return newest
  }

  private static func metaPage(
    _ number: UInt64, at offset: Int, _ file: borrowing FileDescriptor
  ) throws(StoreError) -> MetaPage {
    let bytes = try Files.read(MetaPage.byteCount, at: offset, from: file)
    let path = file.path
    return try bytes.withBytes { bytes throws(StoreError) in
      try MetaPage(bytes, number: number, offset: UInt64(offset), file: path)
    }
  }

  private static func short(_ path: String, _ byteCount: UInt64, expected: UInt64) -> StoreError {
    .corrupted(
      Finding(
        file: path, offset: byteCount, expected: "a file of at least \(expected) bytes",
        found: "a file of \(byteCount) bytes"))
  }
}
