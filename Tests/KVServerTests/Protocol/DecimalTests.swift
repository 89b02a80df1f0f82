import Testing

@testable import KVServer

struct DecimalTests {
  @Test(
    arguments: [
      0, 1, -1, 9, 10, -10, 99, 100, .max, .max - 1, .min, .min + 1, 1_000_000_007,
    ] as [Int64])
  func `what is written is read back`(value: Int64) {
    let text = DecimalText(value).withBytes { String(describing: $0) }
    #expect(text == String(value))
    #expect(text.withRawBytes { parseInteger($0) } == value)
  }

  @Test(arguments: [
    "", " 1", "1 ", "+1", "01", "-0", "-01", "-", "1.0", "1e3", "0x1", "9223372036854775808",
    "-9223372036854775809", "18446744073709551616", "99999999999999999999", "000000000000000000001",
    "--1", "1a", "\0", "٣",
  ])
  func `what Redis would not read is refused`(text: String) {
    #expect(text.withRawBytes { parseInteger($0) } == nil)
  }

  @Test func `unsigned numbers go up to 64 bits`() {
    #expect("18446744073709551615".withRawBytes { parseUnsigned($0) } == .max)
    #expect("18446744073709551616".withRawBytes { parseUnsigned($0) } == nil)
    #expect("-1".withRawBytes { parseUnsigned($0) } == nil)
    #expect("00".withRawBytes { parseUnsigned($0) } == nil)
    #expect("0".withRawBytes { parseUnsigned($0) } == 0)
  }
}
