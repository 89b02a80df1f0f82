import CLinux

/// A value that tells who wrote it, for which key, and whether all of it is there:
///
///     kvd1|client|operation|key|CRC-32C of all else, 8 hex digits|payload
enum StampedValue {
  static func make(client: Int, operation: Int, key: String, payload: [UInt8]) -> [UInt8] {
    let head = Array("kvd1|\(client)|\(operation)|\(key)|".utf8)
    return head + hex(sum(payload[...], from: sum(head[...]))) + [UInt8(ascii: "|")] + payload
  }

  /// Client, operation and payload, or nil if the bytes are not a whole value of `key`.
  static func parse(
    _ bytes: [UInt8], key: String
  ) -> (client: Int, operation: Int, payload: ArraySlice<UInt8>)? {
    var bars: [Int] = []
    var index = 0
    while index < bytes.count, index < 700, bars.count < 5 {
      if bytes[index] == UInt8(ascii: "|") { bars.append(index) }
      index += 1
    }
    guard bars.count == 5 else { return nil }
    func field(_ number: Int) -> String {
      String(decoding: bytes[(bars[number - 1] + 1)..<bars[number]], as: UTF8.self)
    }
    let payload = bytes[(bars[4] + 1)...]
    guard String(decoding: bytes[..<bars[0]], as: UTF8.self) == "kvd1",
      let client = Int(field(1)), let operation = Int(field(2)), field(3) == key,
      Array(field(4).utf8) == hex(sum(payload, from: sum(bytes[...bars[3]])))
    else { return nil }
    return (client, operation, payload)
  }

  /// `count` bytes that nobody else writes.
  static func filler(_ count: Int, client: Int, operation: Int) -> [UInt8] {
    var random = Random(UInt64(client), UInt64(operation))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      var word = random.next()
      for _ in 0..<8 {
        bytes.append(UInt8(truncatingIfNeeded: word))
        word >>= 8
      }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  static func sum(_ bytes: ArraySlice<UInt8>, from start: UInt32 = 0) -> UInt32 {
    if kvd_has_crc32c() == 1 {
      return unsafe bytes.withUnsafeBytes {
        unsafe ~kvd_crc32c_hardware(~start, $0.baseAddress, $0.count)
      }
    }
    var crc = ~start
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    return ~crc
  }

  private static func hex(_ value: UInt32) -> [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    return (0..<8).map { digits[Int(value >> UInt32(28 - 4 * $0)) & 15] }
  }
}

/// What a client appends to a list: 15 hex digits and a semicolon, never the same twice.
enum ListToken {
  static let byteCount = 16

  static func make(client: Int, operation: Int) -> UInt64 {
    UInt64(client & 0xFF) << 48 | UInt64(operation)
  }

  static func bytes(_ token: UInt64) -> [UInt8] {
    let digits = String(token, radix: 16)
    return Array((String(repeating: "0", count: 15 - digits.count) + digits + ";").utf8)
  }

  static func parse(_ bytes: [UInt8]) -> [UInt64]? {
    guard bytes.count % byteCount == 0 else { return nil }
    var tokens: [UInt64] = []
    for start in stride(from: 0, to: bytes.count, by: byteCount) {
      guard bytes[start + 15] == UInt8(ascii: ";"),
        let token = UInt64(
          String(decoding: bytes[start..<(start + 15)], as: UTF8.self), radix: 16)
      else { return nil }
      tokens.append(token)
    }
    return tokens
  }
}
