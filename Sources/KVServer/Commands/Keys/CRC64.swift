/// The checksum of Redis's dumps: CRC-64 by Jones (polynomial 0xAD93D23594C935A9, reflected, register 0).
enum CRC64 {
  /// O(n).
  static func checksum(_ bytes: RawSpan) -> UInt64 {
    let table = table.span
    var register: UInt64 = 0
    for offset in 0..<bytes.byteCount {
      let place = Int(UInt8(truncatingIfNeeded: register) ^ bytes.byte(at: offset))
      register = table[place] ^ (register >> 8)
    }
    return register
  }

  private static let table: [UInt64] = (0..<256).map { byte in
    var register = UInt64(byte)
    for _ in 0..<8 {
      register = register & 1 == 1 ? (register >> 1) ^ 0x95AC_9329_AC4B_C9B5 : register >> 1
    }
    return register
  }
}
