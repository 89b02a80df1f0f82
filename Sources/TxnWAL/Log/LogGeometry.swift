/// Where a position of the endless log lies in the files.
struct LogGeometry: Equatable, Sendable {
  /// The length of every segment file, header page included.
  let segmentByteCount: Int

  /// The record bytes that one segment holds.
  var capacity: Int { segmentByteCount - SegmentHeader.byteCount }

  /// What of the last segment's end is kept for transactions that let room become free: a full disk has
  /// no room for another segment. Less than the half that is left when the next one is asked for.
  var reserveByteCount: Int { min(capacity / 4, 1 << 20) }

  /// What of the disk a new segment leaves free.
  var marginByteCount: Int { segmentByteCount / 8 }

  /// The segment that holds the byte at `lsn`.
  func segment(of lsn: LSN) -> Int {
    Int(lsn.rawValue / UInt64(capacity))
  }

  /// Where in its segment's file the byte at `lsn` stands.
  func fileOffset(of lsn: LSN) -> Int {
    SegmentHeader.byteCount + Int(lsn.rawValue % UInt64(capacity))
  }

  /// The position of the first record byte of segment `index`.
  func firstLSN(of index: Int) -> LSN {
    LSN(rawValue: UInt64(index) * UInt64(capacity))
  }

  /// How many bytes from `lsn` on lie in the same segment.
  func remaining(from lsn: LSN) -> Int {
    capacity - Int(lsn.rawValue % UInt64(capacity))
  }

  /// The file name of segment `index`: sixteen hexadecimal digits, so that names sort as segments do.
  static func fileName(of index: Int) -> String {
    let digits = String(index, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits + ".log"
  }

  /// The segment that `name` belongs to, if it is the name of one.
  static func segment(named name: String) -> Int? {
    guard name.utf8.count == 20, name.hasSuffix(".log") else { return nil }
    guard let index = Int(name.dropLast(4), radix: 16), fileName(of: max(index, 0)) == name else {
      return nil
    }
    return index
  }
}
