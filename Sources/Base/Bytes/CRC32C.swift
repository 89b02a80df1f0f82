import CLinux

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), the checksum of everything kvd writes.
///
/// The processor's instruction is used where there is one, a table of 256 entries elsewhere; both
/// give the same sums.
package struct CRC32C {
  /// The register, not yet inverted.
  private var register: UInt32

  /// A running sum that starts from `seed`, which makes the sums of one store mean nothing to another.
  package init(seed: UInt32 = 0) {
    register = ~seed
  }

  /// The sum of everything given to `update` so far.
  package var value: UInt32 { ~register }

  /// Adds `bytes` to the sum. O(n).
  package mutating func update(_ bytes: RawSpan) {
    if kvd_has_crc32c() == 1 {
      register = unsafe bytes.withUnsafeBytes { buffer in
        unsafe kvd_crc32c_hardware(register, buffer.baseAddress, buffer.count)
      }
    } else {
      register = Self.advanceByTable(register, over: bytes)
    }
  }

  /// The sum of `bytes` alone.
  package static func checksum(_ bytes: RawSpan, seed: UInt32 = 0) -> UInt32 {
    var crc = CRC32C(seed: seed)
    crc.update(bytes)
    return crc.value
  }

  /// The register after each single byte, for the reflected polynomial 0x82F63B78.
  private static let table: [UInt32] = (0..<256).map { byte in
    var register = UInt32(byte)
    for _ in 0..<8 {
      register = register & 1 == 1 ? (register >> 1) ^ 0x82F6_3B78 : register >> 1
    }
    return register
  }

  static func advanceByTable(_ register: UInt32, over bytes: RawSpan) -> UInt32 {
    var register = register
    for offset in 0..<bytes.byteCount {
      let byte = bytes.load(at: offset, as: UInt8.self)
      register = table[Int((register ^ UInt32(byte)) & 0xFF)] ^ (register >> 8)
    }
    return register
  }
}
