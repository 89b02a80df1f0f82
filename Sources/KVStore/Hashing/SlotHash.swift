import Base
import CLinux

/// The hash slot of a key, computed as in Redis Cluster, so that clients which route by slot agree with the
/// store on which keys are stored together.
///
/// The slot is CRC16 (the XMODEM variant: polynomial 0x1021, register 0, not reflected) modulo 16384. If a
/// key contains `{tag}`, only the tag is hashed: the bytes between the first `{` and the first `}` after it,
/// if there is at least one. Source: the Redis Cluster specification, "Hash tags".
enum SlotHash {
  static let slotCount = 16384

  /// The slot of `key`, in `0..<slotCount`. O(n).
  @inline(__always)
  static func slot(of key: RawSpan) -> Int {
    let (sum, mayHaveTag) = sum(of: key)
    return Int(mayHaveTag ? checksum(of: key.extracting(hashedRange(of: key))) : sum) % slotCount
  }

  /// The bytes of `key` that determine its slot.
  @inline(never)
  private static func hashedRange(of key: RawSpan) -> Range<Int> {
    let open = offset(of: UInt8(ascii: "{"), in: key, from: 0)
    guard open < key.byteCount else { return 0..<key.byteCount }
    let close = offset(of: UInt8(ascii: "}"), in: key, from: open + 1)
    guard close < key.byteCount, close > open + 1 else { return 0..<key.byteCount }
    return open + 1..<close
  }

  /// The offset of the first `byte` at or after `start`, or the byte count if there is none.
  ///
  /// Eight bytes are tested at once: XOR with the wanted byte gives zero where it occurs, and subtracting one
  /// from each byte borrows from the zero ones. A borrow can set false marks only above a true match, so the
  /// lowest mark is right.
  private static func offset(of byte: UInt8, in bytes: RawSpan, from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let wanted = ones &* UInt64(byte)
    var offset = start
    while offset &+ 8 <= bytes.byteCount {
      let difference = bytes.load(at: offset, as: UInt64.self) ^ wanted
      let marks = (difference &- ones) & ~difference & (ones << 7)
      if marks != 0 { return offset &+ marks.trailingZeroBitCount / 8 }
      offset &+= 8
    }
    while offset < bytes.byteCount, bytes.load(at: offset, as: UInt8.self) != byte {
      offset &+= 1
    }
    return offset
  }

  /// CRC16/XMODEM of `bytes`.
  static func checksum(of bytes: RawSpan) -> UInt16 { sum(of: bytes).checksum }

  /// CRC16/XMODEM of `bytes`, eight in each step, and whether they contain a `{`.
  ///
  /// Leading zeros do not change the checksum, so the first step is the one that may be short.
  private static func sum(of bytes: RawSpan) -> (checksum: UInt16, hasBrace: Bool) {
    let ones: UInt64 = 0x0101_0101_0101_0101
    if bytes.byteCount == 0 { return (0, false) }
    var offset = (bytes.byteCount &- 1) & 7 &+ 1
    var register: UInt64 = 0
    var marks: UInt64 = 0
    var word = beginning(of: bytes, byteCount: offset)
    while true {
      let difference = word ^ ones &* UInt64(UInt8(ascii: "{"))
      marks |= (difference &- ones) & ~difference & (ones << 7)
      register = remainder(of: word ^ register << 48)
      if offset &+ 8 > bytes.byteCount { break }
      word = bytes.load(at: offset, as: UInt64.self).byteSwapped
      offset &+= 8
    }
    return (UInt16(truncatingIfNeeded: register), marks != 0)
  }

  /// The first `byteCount` bytes, one to eight, as a big-endian number.
  @inline(__always)
  private static func beginning(of bytes: RawSpan, byteCount: Int) -> UInt64 {
    if bytes.byteCount >= 8 {
      return bytes.load(at: 0, as: UInt64.self).byteSwapped >> UInt64(64 &- 8 &* byteCount)
    }
    var word: UInt64 = 0
    for offset in 0..<byteCount {
      word = word << 8 | UInt64(bytes.load(at: offset, as: UInt8.self))
    }
    return word
  }

  /// `word`, as a polynomial, times x¹⁶, modulo the polynomial P of the checksum.
  ///
  /// This is Barrett reduction, which is exact for polynomials. The quotient is the upper half of the product
  /// with ⌊x⁸⁰ / P⌋, whose leading term is x⁶⁴. x¹⁶ · word has no low bits, so the remainder is the low bits
  /// of the quotient times P; P's low bits are 0x1021.
  @inline(__always)
  private static func remainder(of word: UInt64) -> UInt64 {
    guard kvd_has_carryless_product() == 1 else { return remainderByTable(of: word) }
    let quotient = word ^ kvd_carryless_product_high(word, 0x1130_3471_A041_B343)
    return (quotient ^ quotient << 5 ^ quotient << 12) & 0xFFFF
  }

  /// The same for a processor without carry-less multiplication. The checksum is linear: each byte
  /// contributes what it would if only zeros followed it, so the contributions are looked up independently.
  @inline(never)
  static func remainderByTable(of word: UInt64) -> UInt64 {
    let table = table.span
    var sum: UInt16 = 0
    for zeros in 0..<8 {
      sum ^= table[zeros &* 256 &+ Int(truncatingIfNeeded: (word >> UInt64(8 &* zeros)) & 0xFF)]
    }
    return UInt64(sum)
  }

  /// At `256 * zeros + byte`: the checksum of `byte` followed by that many zero bytes, for 0 to 7 of them.
  private static let table: [UInt16] = {
    var table = (0..<256).map { byte in
      var register = UInt16(byte) << 8
      for _ in 0..<8 {
        register = register & 0x8000 != 0 ? (register << 1) ^ 0x1021 : register << 1
      }
      return register
    }
    for index in 256..<2048 {
      let before = table[index - 256]
      table.append((before << 8) ^ table[Int(before >> 8)])
    }
    return table
  }()
}
