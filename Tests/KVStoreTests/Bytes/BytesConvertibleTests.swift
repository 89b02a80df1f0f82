import Base
import Testing

@testable import KVStore

@Suite struct BytesConvertibleTests {
  enum Setting: String, BytesConvertible {
    case theme
    case language = "språk"
  }

  struct Refusal: Error, Equatable {}

  /// Without bytes, inline in a `String`, at the border of that, in memory of its own, and large.
  static let texts = [
    "", "k", "user:42", "é€😀", "123456789012345", "1234567890123456", "null \0 byte",
    String(repeating: "å", count: 100), String(repeating: "long ", count: 1 << 20),
  ]

  @Test(arguments: texts)
  func `a string lends its UTF-8`(text: String) {
    let utf8 = Array(text.utf8)
    #expect(lent(text) == utf8)
    #expect(lent(String(decoding: utf8, as: UTF8.self)) == utf8)
    #expect(lent(text[...]) == utf8)
    let longer = "ö|" + text + "|ü"
    #expect(lent(longer.dropFirst(2).dropLast(2)) == utf8)
  }

  @Test(arguments: texts)
  func `arrays, slices and spans lend their elements`(text: String) {
    let bytes = Array(text.utf8)
    #expect(lent(bytes) == bytes)
    #expect(lent(bytes[...]) == bytes)
    #expect(lent(([7, 7] + bytes + [7])[2..<(bytes.count + 2)]) == bytes)
    #expect(lent(ContiguousArray(bytes)) == bytes)
    #expect(lent(bytes.span) == bytes)
    #expect(lent(bytes.rawSpan) == bytes)
    #expect(lent(([7] + bytes).rawSpan.extracting(droppingFirst: 1)) == bytes)
  }

  @Test func `what is small or constant lends its bytes`() {
    #expect(lent([] as InlineArray<0, UInt8>) == [])
    #expect(lent([1, 2, 3] as InlineArray<3, UInt8>) == [1, 2, 3])
    #expect(lent("" as StaticString) == [])
    #expect(lent("constant" as StaticString) == Array("constant".utf8))
    #expect(lent("länge sedan" as StaticString) == Array("länge sedan".utf8))
    #expect(lent(StaticString(unicodeScalarLiteral: "€")) == Array("€".utf8))
    #expect(lent(Setting.theme) == Array("theme".utf8))
    #expect(lent(Setting.language) == Array("språk".utf8))
    #expect(lent(RawSpan()) == [])
    #expect(lent(Tuple("user", 42)) == Tuple("user", 42).bytes)
    #expect(lent(Tuple()) == [])
  }

  @Test func `large arrays and strings are lent in place`() {
    let bytes = [UInt8](repeating: 1, count: 1 << 20)
    let address = bytes.rawSpan.address
    #expect(bytes.withBytes { $0.address } == address)
    #expect(bytes[5...].withBytes { $0.address } == address + 5)
    let text = String(repeating: "long ", count: 1 << 18)
    let first = text.withBytes { $0.address }
    #expect(text.withBytes { $0.address } == first)
    #expect(text.dropFirst(5).withBytes { $0.address } == first + 5)
  }

  @Test func `the error of the body is passed on, with its type`() {
    func check(_ key: borrowing some BytesConvertible & ~Copyable & ~Escapable) -> Refusal? {
      do throws(Refusal) {
        try key.withBytes { (_) throws(Refusal) in throw Refusal() }
        return nil
      } catch {
        return error
      }
    }
    let bytes: [UInt8] = [1]
    #expect(check(bytes) == Refusal())
    #expect(check(bytes[...]) == Refusal())
    #expect(check(bytes.span) == Refusal())
    #expect(check(bytes.rawSpan) == Refusal())
    #expect(check("text") == Refusal())
    #expect(check("text"[...]) == Refusal())
    #expect(check("text" as StaticString) == Refusal())
    #expect(check(StaticString(unicodeScalarLiteral: "€")) == Refusal())
    #expect(check(Setting.theme) == Refusal())
    #expect(check(Tuple(1)) == Refusal())
  }

  @Test(arguments: texts)
  func `lent bytes become arrays and strings again`(text: String) {
    let bytes = Array(text.utf8)
    #expect([UInt8](bytes.rawSpan) == bytes)
    #expect(String(validating: bytes.rawSpan, as: UTF8.self) == text)
  }

  @Test(arguments: [[0xFF], [0x61, 0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80]] as [[UInt8]])
  func `bytes that are not UTF-8 are no string`(bytes: [UInt8]) {
    #expect(String(validating: bytes.rawSpan, as: UTF8.self) == nil)
  }

  private func lent(_ value: borrowing some BytesConvertible & ~Copyable & ~Escapable) -> [UInt8] {
    value.withBytes { [UInt8]($0) }
  }
}
