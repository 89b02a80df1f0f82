import Testing

@testable import Base

@Suite struct CRC32CTests {
  /// The check values of RFC 3720, appendix B.4, and of the customary nine digits.
  @Test(
    arguments: [
      (Array("123456789".utf8), 0xE306_9283),
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      (Array(0..<32), 0x46DD_794E),
    ] as [([UInt8], UInt32)])
  func `matches the published check values`(bytes: [UInt8], expected: UInt32) {
    #expect(CRC32C.checksum(bytes.rawSpan) == expected)
  }

  @Test func `the table and the instruction agree at every length`() {
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 131) }
    for count in 0...bytes.count {
      let part = bytes.rawSpan.extracting(0..<count)
      #expect(~CRC32C.advanceByTable(~0, over: part) == CRC32C.checksum(part))
    }
  }
}
