import Base
import Testing

@testable import KVStore

@Suite struct StoredValueTests {
  private let key = Array("key".utf8)
  private let header = StoredValue.Header(
    sequence: 0x0102_0304_0506_0708, type: 5, expiryMilliseconds: 99)

  private func encode(_ value: [UInt8], seed: UInt32 = 7) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: StoredValue.headerByteCount + value.count)
    var span = bytes.mutableSpan
    var target = span.mutableBytes
    ([0] + key).withBytes { key in
      value.withBytes {
        StoredValue.encode(header, storedKey: key, value: $0, seed: seed, into: &target)
      }
    }
    return bytes
  }

  private func decode(
    _ bytes: [UInt8], key: [UInt8]? = nil, in keyspace: Keyspace = .keys, seed: UInt32 = 7
  ) throws -> StoredValue.Header {
    let key = key ?? self.key
    return try StoredValue.decode(
      bytes.span.bytes, at: EntryAddress(keyspace, key.span.bytes), seed: seed, file: "data.mdb")
  }

  @Test(arguments: [0, 1, 7, 8, 100, 5000])
  func `what is encoded is decoded`(byteCount: Int) throws {
    let value = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0) }
    let bytes = encode(value)
    #expect(try decode(bytes) == header)
    #expect(Array(bytes[StoredValue.headerByteCount...]) == value)
  }

  @Test func `a value at another keyspace's address is corruption`() {
    let bytes = encode([1, 2, 3])
    let found = finding { _ = try decode(bytes, in: .owned) }
    #expect(found?.key == key && found?.keyspace == Keyspace.owned.rawValue)
  }

  @Test func `the bytes are those of the documented layout`() {
    let bytes = encode([0xAA])
    #expect(bytes[4...] == [6, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 99, 0, 0, 0, 0, 0, 0, 0, 0xAA])
  }

  @Test func `a changed bit anywhere is corruption`() {
    let bytes = encode(Array("some value".utf8))
    for index in bytes.indices {
      for bit in 0..<8 {
        var changed = bytes
        changed[index] ^= 1 << bit
        #expect(finding { _ = try decode(changed) }?.key == key)
      }
    }
  }

  @Test func `an entry cut at any byte is corruption`() {
    let bytes = encode(Array("some value".utf8))
    for count in 0..<bytes.count {
      #expect(finding { _ = try decode(Array(bytes[..<count])) } != nil)
    }
  }

  @Test func `an entry under another key or of another store is corruption`() {
    let bytes = encode(Array("some value".utf8))
    #expect(finding { _ = try decode(bytes, key: Array("kez".utf8)) } != nil)
    #expect(finding { _ = try decode(bytes, seed: 8) } != nil)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `garbage of any length is refused`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for count in 0..<200 {
      let bytes = generator.bytes(count: count)
      #expect(finding { _ = try decode(bytes) } != nil)
    }
  }

  @Test(arguments: [0, 129, 255, 257, 1 << 16 + 1, 1 << 24 + 1] as [UInt32])
  func `a sound entry of a kind that no type has is an unsupported format`(kind: UInt32) {
    var bytes = encode([1, 2, 3])
    bytes.replaceSubrange(4..<8, with: withUnsafeBytes(of: kind.littleEndian) { Array($0) })
    var crc = CRC32C(seed: 7)
    crc.update(Keyspace.keys.rawValue, then: key.span.bytes)
    crc.update(bytes.span.bytes.extracting(4..<bytes.count))
    bytes.replaceSubrange(0..<4, with: withUnsafeBytes(of: crc.value.littleEndian) { Array($0) })
    #expect(
      throws: StoreError.unsupportedFormat(
        path: "data.mdb", found: "value kind \(kind)", supported: "kinds 1 to 128")
    ) {
      _ = try decode(bytes)
    }
  }
}
