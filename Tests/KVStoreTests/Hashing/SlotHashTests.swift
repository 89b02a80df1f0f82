import Base
import Testing

@testable import KVStore

@Suite struct SlotHashTests {
  /// What `CLUSTER KEYSLOT` of Redis 7.0 answers.
  @Test(arguments: [
    ("", 0), ("foo", 12182), ("bar", 5061), ("somekey", 11058), ("hash_tag", 2515),
    ("foo{hash_tag}", 2515), ("bar{hash_tag}", 2515),
  ])
  func `agrees with Redis Cluster`(key: String, slot: Int) {
    #expect(slotOf(key) == slot)
  }

  @Test func `matches the published check value of CRC16 XMODEM`() {
    #expect(SlotHash.checksum(of: Array("123456789".utf8).span.bytes) == 0x31C3)
  }

  @Test(arguments: [
    ("{user1000}.following", "user1000"), ("foo{bar}{zap}", "bar"), ("foo{{bar}}zap", "{bar"),
    ("}{tag}", "tag"), ("{a}", "a"), ("0123456789abcdef{0123456789}x", "0123456789"),
  ])
  func `a key with a tag is hashed by its tag`(key: String, tag: String) {
    #expect(slotOf(key) == Int(bitwiseChecksum(Array(tag.utf8)) % 16384))
  }

  @Test(arguments: ["{}x", "foo{}{bar}", "foo{bar", "foo}bar", "{", "}", "}{", "{}", "a}b{c"])
  func `a key without a whole tag is hashed as it is`(key: String) {
    #expect(slotOf(key) == Int(bitwiseChecksum(Array(key.utf8)) % 16384))
  }

  @Test func `the sum and the polynomial agree at every length and for every byte`() {
    let bytes = (0..<600).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 / 256) }
    for count in 0...bytes.count {
      let part = Array(bytes[..<count])
      #expect(SlotHash.checksum(of: part.span.bytes) == bitwiseChecksum(part))
    }
  }

  @Test
  func `the table, for processors without a product of polynomials, agrees with the polynomial`() {
    for place in 0..<8 {
      for byte in 0..<256 {
        let word = UInt64(byte) << UInt64(8 * place) | 1
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        #expect(SlotHash.remainderByTable(of: word) == UInt64(bitwiseChecksum(bytes)))
      }
    }
  }

  @Test func `a tag is found wherever its braces stand`() {
    for open in 0..<20 {
      for tagByteCount in 1..<20 {
        let tag = (0..<tagByteCount).map { UInt8(ascii: "|") &+ UInt8($0 & 1) &- 2 }
        let key = [UInt8](repeating: 0xFB, count: open) + Array("{".utf8) + tag + Array("}x".utf8)
        #expect(SlotHash.slot(of: key.span.bytes) == Int(bitwiseChecksum(tag) % 16384))
      }
    }
  }

  private func slotOf(_ key: String) -> Int { SlotHash.slot(of: Array(key.utf8).span.bytes) }

  /// The definition, a bit at a time.
  private func bitwiseChecksum(_ bytes: [UInt8]) -> UInt16 {
    bytes.reduce(0) { register, byte in
      (0..<8).reduce(register ^ UInt16(byte) << 8) { register, _ in
        register & 0x8000 != 0 ? (register << 1) ^ 0x1021 : register << 1
      }
    }
  }
}
