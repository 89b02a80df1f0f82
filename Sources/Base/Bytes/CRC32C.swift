import CLinux

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4): the checksum of everything kvd writes.
///
/// Uses the processor's CRC instruction where available and a 256-entry table elsewhere; both give the same result.
package struct CRC32C {
  /// The CRC register before the final inversion.
  private var register: UInt32

  /// A running checksum that starts from `seed`. With a seed per store, checksums of one store are invalid in
  /// another.
  package init(seed: UInt32 = 0) {
    register = ~seed
  }

  /// The checksum of all bytes passed to `update` so far.
  package var value: UInt32 { ~register }

  /// Adds `bytes` to the checksum. O(n).
  package mutating func update(_ bytes: RawSpan) {
    if kvd_has_crc32c() == 1 {
      register = unsafe bytes.withUnsafeBytes { buffer in
        unsafe kvd_crc32c_hardware(register, buffer.baseAddress, buffer.count)
      }
    } else {
      register = Self.advanceByTable(register, over: bytes)
    }
  }

  /// Adds `first`, then `bytes`, to the checksum. O(n).
  package mutating func update(_ first: UInt8, then bytes: RawSpan) {
    if kvd_has_crc32c() == 1 {
      register = unsafe bytes.withUnsafeBytes { buffer in
        unsafe kvd_crc32c_hardware_after(register, first, buffer.baseAddress, buffer.count)
      }
    } else {
      register = Self.advanceByTable(Self.advanceByTable(register, over: first), over: bytes)
    }
  }

  /// The checksum of `bytes` alone. O(n).
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
      register = advanceByTable(register, over: bytes.load(at: offset, as: UInt8.self))
    }
    return register
  }

  private static func advanceByTable(_ register: UInt32, over byte: UInt8) -> UInt32 {
    table[Int((register ^ UInt32(byte)) & 0xFF)] ^ (register >> 8)
  }
}
