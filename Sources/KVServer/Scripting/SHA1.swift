/// SHA-1 (FIPS 180-4), by which clients name scripts. Nothing relies on its collision resistance: a client that
/// may load one script may run any.
enum SHA1 {
  /// The digest of `message` in lower-case hexadecimal.
  static func hexadecimal(of message: RawSpan) -> [UInt8] {
    hash(message).flatMap { word in
      stride(from: 28, through: 0, by: -4).map { shift in
        let digit = UInt8(truncatingIfNeeded: word >> UInt32(shift)) & 15
        return digit < 10 ? 0x30 + digit : 0x57 + digit
      }
    }
  }

  private static func hash(_ message: RawSpan) -> [UInt32] {
    var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
    var schedule = [UInt32](repeating: 0, count: 80)
    let blockCount = (message.byteCount + 9 + 63) / 64
    for block in 0..<blockCount {
      for word in 0..<16 {
        var value: UInt32 = 0
        for byte in 0..<4 {
          value = value << 8 | UInt32(padded(message, at: block * 64 + word * 4 + byte, blockCount))
        }
        schedule[word] = value
      }
      for index in 16..<80 {
        schedule[index] = rotate(
          schedule[index - 3] ^ schedule[index - 8] ^ schedule[index - 14] ^ schedule[index - 16],
          1)
      }
      compress(schedule, into: &state)
    }
    return state
  }

  /// A byte of the message with its padding: a one bit, zeros, and the length in bits.
  private static func padded(_ message: RawSpan, at offset: Int, _ blockCount: Int) -> UInt8 {
    if offset < message.byteCount { return message.byte(at: offset) }
    if offset == message.byteCount { return 0x80 }
    let left = blockCount * 64 - offset
    guard left <= 8 else { return 0 }
    let bitCount = UInt64(message.byteCount) * 8
    return UInt8(truncatingIfNeeded: bitCount >> UInt64((left - 1) * 8))
  }

  private static func compress(_ schedule: [UInt32], into state: inout [UInt32]) {
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for index in 0..<80 {
      let (mixed, constant): (UInt32, UInt32) =
        switch index {
        case 0..<20: (b & c | ~b & d, 0x5a82_7999)
        case 20..<40: (b ^ c ^ d, 0x6ed9_eba1)
        case 40..<60: (b & c | b & d | c & d, 0x8f1b_bcdc)
        default: (b ^ c ^ d, 0xca62_c1d6)
        }
      let next = rotate(a, 5) &+ mixed &+ e &+ constant &+ schedule[index]
      (a, b, c, d, e) = (next, a, rotate(b, 30), c, d)
    }
    for (index, value) in [a, b, c, d, e].enumerated() { state[index] = state[index] &+ value }
  }

  private static func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 {
    value << count | value >> (32 - count)
  }
}
