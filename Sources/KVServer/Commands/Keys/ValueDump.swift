import Base
import KVData
import KVStore

/// A value as DUMP gives it and RESTORE takes it: the form of Redis's own dumps, version 10, as far as it can
/// hold what kvd has, so that values can move to a Redis as well.
///
///     type      0 string, 2 set, 4 hash
///     content   string: itself; set: count, members; hash: count, then field and value in turn
///     version   u16
///     checksum  CRC-64 over all before
///
/// Counts and the lengths of strings take 1, 2, 5 or 9 bytes. Redis compresses and packs in further ways,
/// which are not taken. Source: Redis 7.0, rdb.c.
enum ValueDump {
  static let version: UInt16 = 10
  /// Version and checksum.
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

  /// Whether version and checksum are those of a dump that may be understood.
  static func isSound(_ dump: RawSpan) -> Bool {
    guard dump.byteCount >= footerByteCount else { return false }
    let end = dump.byteCount - 8
    return dump.load(at: end - 2, as: UInt16.self) <= version
      && dump.load(at: end, as: UInt64.self) == CRC64.checksum(dump.extracting(first: end))
  }

  /// Goes through the content of a dump, from behind the type to before the footer.
  struct Parser {
    private(set) var offset = 1
    let end: Int

    init(_ dump: RawSpan) { end = dump.byteCount - footerByteCount }

    var isAtEnd: Bool { offset == end }

    /// Nil where no count is, or one of a form that is not taken.
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

    /// Where the string stands.
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
