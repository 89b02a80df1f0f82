import TxnWAL

/// The hash slot of a key, as Redis Cluster computes it, so that clients which route by slot agree with
/// the store about which keys live together.
///
/// The slot is CRC16 (the XMODEM variant: polynomial 0x1021, register 0, not reflected) modulo 16384. A
/// key that holds `{tag}` is hashed by its tag alone: from the first `{` to the first `}` behind it, if
/// there is at least one byte between. Source: the Redis Cluster specification, "Hash tags".
enum SlotHash {
  static let slotCount = 16384

  /// The slot of `key`, in `0..<slotCount`. O(n).
  static func slot(of key: RawSpan) -> Int {
    Int(checksum(of: key.extracting(hashedRange(of: key))) % UInt16(slotCount))
  }

  /// Which bytes of `key` decide its slot.
  private static func hashedRange(of key: RawSpan) -> Range<Int> {
    let open = offset(of: UInt8(ascii: "{"), in: key, from: 0)
    guard open < key.byteCount else { return 0..<key.byteCount }
    let close = offset(of: UInt8(ascii: "}"), in: key, from: open + 1)
    guard close < key.byteCount, close > open + 1 else { return 0..<key.byteCount }
    return open + 1..<close
  }

  /// Where `byte` first stands at or behind `start`, or the byte count when it does not.
  ///
  /// Eight bytes are tested at once: a byte of the exclusive-or with the wanted one is zero where it
  /// stands, and subtracting one from each byte borrows out of the zero ones. A borrow can only mark
  /// bytes above a true match, so the lowest mark is right.
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

  /// CRC16/XMODEM of `bytes`, eight bytes a step: the sum is linear, so each byte contributes what it
  /// would if zeros followed it, and the contributions are looked up independently of one another.
  static func checksum(of bytes: RawSpan) -> UInt16 {
    let table = table.span
    var register: UInt16 = 0
    var offset = 0
    while offset &+ 8 <= bytes.byteCount {
      let word = bytes.load(at: offset, as: UInt64.self) ^ UInt64(register.byteSwapped)
      var next: UInt16 = 0
      for position in 0..<8 {
        let byte = Int(truncatingIfNeeded: (word >> UInt64(8 &* position)) & 0xFF)
        next ^= table[(7 &- position) &* 256 &+ byte]
      }
      register = next
      offset &+= 8
    }
    while offset < bytes.byteCount {
      let byte = bytes.load(at: offset, as: UInt8.self)
      register = (register << 8) ^ table[Int(UInt8(register >> 8) ^ byte)]
      offset &+= 1
    }
    return register
  }

  /// At `256 * zeros + byte`: the sum of `byte` followed by that many zero bytes, for 0 to 7 of them.
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
