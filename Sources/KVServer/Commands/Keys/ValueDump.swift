import Base
import KVData
import KVStore

/// The format of DUMP and RESTORE: Redis's own dump format, version 10, as far as it covers kvd's types, so
/// that values can be moved to Redis as well.
///
///     type      0 string, 2 set, 4 hash
///     content   string: itself; set: count, members; hash: count, then alternating fields and values
///     version   u16
///     checksum  CRC-64 over everything before it
///
/// Counts and string lengths take 1, 2, 5 or 9 bytes. Redis's compressed and packed encodings are not
/// supported. Source: Redis 7.0, rdb.c.
enum ValueDump {
  static let version: UInt16 = 10
  /// The size of version and checksum.
  static let footerByteCount = 10

  enum Kind: UInt8 {
    case string = 0
    case set = 2
    case map = 4
  }

  // MARK: Writing

  static func appendCount(_ count: Int, to bytes: inout [UInt8]) {
    if count < 1 << 6 {
      bytes.append(UInt8(count))
    } else if count < 1 << 14 {
      bytes.append(UInt8(count >> 8) | 0x40)
      bytes.append(UInt8(count & 0xFF))
    } else if count <= UInt32.max {
      bytes.append(0x80)
      appendBigEndian(UInt32(count), to: &bytes)
    } else {
      bytes.append(0x81)
      appendBigEndian(UInt64(count), to: &bytes)
    }
  }

  private static func appendBigEndian<I: FixedWidthInteger>(_ number: I, to bytes: inout [UInt8]) {
    for shift in stride(from: I.bitWidth - 8, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> I(shift)))
    }
  }

  static func appendString(_ string: RawSpan, to bytes: inout [UInt8]) {
    appendCount(string.byteCount, to: &bytes)
    bytes.append(copying: string)
  }

  static func appendFooter(to bytes: inout [UInt8]) {
    bytes.append(UInt8(version & 0xFF))
    bytes.append(UInt8(version >> 8))
    let checksum = CRC64.checksum(bytes.rawSpan)
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: checksum >> shift))
    }
  }

  // MARK: Reading

  /// Whether the version is supported and the checksum matches.
  static func isSound(_ dump: RawSpan) -> Bool {
    guard dump.byteCount >= footerByteCount else { return false }
    let end = dump.byteCount - 8
    return dump.load(at: end - 2, as: UInt16.self) <= version
      && dump.load(at: end, as: UInt64.self) == CRC64.checksum(dump.extracting(first: end))
  }

  /// Parses the content of a dump: what lies between the type and the footer.
  struct Parser {
    private(set) var offset = 1
    let end: Int

    init(_ dump: RawSpan) { end = dump.byteCount - footerByteCount }

    var isAtEnd: Bool { offset == end }

    /// Nil if there is no count, or one in an unsupported encoding.
    mutating func count(_ dump: RawSpan) -> Int? {
      guard offset < end else { return nil }
      let first = dump.byte(at: offset)
      offset += 1
      switch first {
      case 0..<0x40: return Int(first)
      case 0x40..<0x80: return number(of: 1, dump).map { Int(first & 0x3F) << 8 | $0 }
      case 0x80: return number(of: 4, dump)
      case 0x81: return number(of: 8, dump)
      default: return nil
      }
    }

    /// The range of the next string, or nil if there is none.
    mutating func string(_ dump: RawSpan) -> Range<Int>? {
      guard let count = count(dump), count <= end - offset else { return nil }
      defer { offset += count }
      return offset..<offset + count
    }

    private mutating func number(of byteCount: Int, _ dump: RawSpan) -> Int? {
      guard byteCount <= end - offset else { return nil }
      var number: UInt64 = 0
      for _ in 0..<byteCount {
        number = number << 8 | UInt64(dump.byte(at: offset))
        offset += 1
      }
      return Int(exactly: number)
    }
  }
}
