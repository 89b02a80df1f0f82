/// Maps log positions to segment files.
struct LogGeometry: Equatable, Sendable {
  /// The length of every segment file, header page included.
  let segmentByteCount: Int

  /// The number of record bytes in one segment.
  var capacity: Int { segmentByteCount - SegmentHeader.byteCount }

  /// Space at the end of the last segment reserved for transactions that free space: on a full disk there is no
  /// room for another segment. It is less than the half segment that is left when the next segment is requested.
  var reserveByteCount: Int { min(capacity / 4, 1 << 20) }

  /// Disk space that must remain free after creating a segment.
  var marginByteCount: Int { segmentByteCount / 8 }

  /// The segment that holds the byte at `lsn`.
  func segment(of lsn: LSN) -> Int {
    Int(lsn.rawValue / UInt64(capacity))
  }

  /// The offset of the byte at `lsn` in its segment file.
  func fileOffset(of lsn: LSN) -> Int {
    SegmentHeader.byteCount + Int(lsn.rawValue % UInt64(capacity))
  }

  /// The position of the first record byte of segment `index`.
  func firstLSN(of index: Int) -> LSN {
    LSN(rawValue: UInt64(index) * UInt64(capacity))
  }

  /// The number of bytes from `lsn` to the end of its segment.
  func remaining(from lsn: LSN) -> Int {
    capacity - Int(lsn.rawValue % UInt64(capacity))
  }

  /// The file name of segment `index`: 16 hexadecimal digits, so that names sort in segment order.
  static func fileName(of index: Int) -> String {
    let digits = String(index, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits + ".log"
  }

  /// The segment whose file name is `name`, if it is a segment file name.
  static func segment(named name: String) -> Int? {
    guard name.utf8.count == 20, name.hasSuffix(".log") else { return nil }
    guard let index = Int(name.dropLast(4), radix: 16), fileName(of: max(index, 0)) == name else {
      return nil
    }
    return index
  }
}
