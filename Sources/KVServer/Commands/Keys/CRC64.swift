import Base

/// The checksum of Redis's dumps: CRC-64 by Jones (polynomial 0xAD93D23594C935A9, reflected, initial value 0).
///
/// Processes eight bytes at a time, each through a table of its own ("slicing-by-8"; M. Kounavis, F. Berry: "A
/// Systematic Approach to Building High Performance Software-Based CRC Generators", 2005): a dump may have 64
/// MiB, and other clients may wait for DUMP and RESTORE.
enum CRC64 {
  /// O(n).
  static func checksum(_ bytes: RawSpan) -> UInt64 {
    let tables = tables.span
    var register: UInt64 = 0
    var offset = 0
    while offset &+ 8 <= bytes.byteCount {
      let word = register ^ bytes.load(at: offset, as: UInt64.self)
      register = 0
      for place in 0..<8 {
        let byte = Int(truncatingIfNeeded: word &>> UInt64(8 &* place) & 0xFF)
        register ^= tables[(7 &- place) &<< 8 | byte]
      }
      offset &+= 8
    }
    while offset < bytes.byteCount {
      let byte = Int(UInt8(truncatingIfNeeded: register) ^ bytes.byte(at: offset))
      register = tables[byte] ^ (register &>> 8)
      offset &+= 1
    }
    return register
  }

  /// Eight tables of 256 entries. The first holds the register after one byte. Each of the others holds that of
  /// the table before it after one more zero byte.
  private static let tables: [UInt64] = {
    var tables: [UInt64] = (0..<256).map { byte in
      var register = UInt64(byte)
      for _ in 0..<8 {
        register = register & 1 == 1 ? (register >> 1) ^ 0x95AC_9329_AC4B_C9B5 : register >> 1
      }
      return register
    }
    for index in 256..<8 * 256 {
      let before = tables[index - 256]
      tables.append(tables[Int(before & 0xFF)] ^ (before >> 8))
    }
    return tables
  }()
}
