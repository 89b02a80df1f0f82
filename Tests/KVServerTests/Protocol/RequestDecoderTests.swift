import Testing

@testable import KVServer

/// Decodes `bytes` fed in the given pieces; each request as its arguments, then the error if there is one.
private func decode(
  _ pieces: [ArraySlice<UInt8>], limits: RequestLimits = RequestLimits()
) -> (requests: [[[UInt8]]], error: ProtocolError?) {
  var buffer = ByteBuffer()
  var decoder = RequestDecoder(limits: limits)
  var arguments: [Range<Int>] = []
  var requests: [[[UInt8]]] = []
  for piece in pieces {
    for byte in piece { buffer.append(byte) }
    parsing: while true {
      switch decoder.next(in: &buffer, arguments: &arguments) {
      case .incomplete: break parsing
      case .nothing(let count): buffer.consume(count)
      case .failed(let error): return (requests, error)
      case .request(let count):
        requests.append(arguments.map { range in range.map { buffer[$0] } })
        buffer.consume(count)
      }
    }
  }
  return (requests, nil)
}

private func decode(_ text: String, limits: RequestLimits = RequestLimits())
  -> (requests: [[String]], error: ProtocolError?)
{
  let (requests, error) = decode([Array(text.utf8)[...]], limits: limits)
  return (requests.map { $0.map { String(decoding: $0, as: UTF8.self) } }, error)
}

struct RequestDecoderTests {
  static let pipeline = Array(
    ("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nv\r\n*1\r\n$4\r\n!\r\n*0\r\n*1\r\n$4\r\nPING\r\n"
      + "set a \"b \\x41\\n\" 'c d'\r\n\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\nPING\n").utf8)

  @Test func `a pipeline cut at any two bytes gives the same requests`() {
    let whole = decode([Self.pipeline[...]])
    #expect(whole.error == nil)
    #expect(whole.requests.count == 5)
    for first in 0...Self.pipeline.count {
      for second in stride(from: first, through: Self.pipeline.count, by: 3) {
        let cut = decode([
          Self.pipeline[..<first], Self.pipeline[first..<second], Self.pipeline[second...],
        ])
        #expect(cut.requests == whole.requests, "cut at \(first) and \(second)")
        #expect(cut.error == nil)
      }
    }
  }

  @Test func `a pipeline received byte by byte gives the same requests`() {
    let bytes = Self.pipeline.indices.map { Self.pipeline[$0...$0] }
    #expect(decode(bytes).requests == decode([Self.pipeline[...]]).requests)
  }

  @Test(arguments: [
    ("PING\r\n", ["PING"]), ("  a   b \r\n", ["a", "b"]), ("a \"b c\"\n", ["a", "b c"]),
    ("a 'b\\'c\\n'\n", ["a", "b'c\\n"]), ("\"\\x41\\x4a\\q\\\\\"\n", ["AJq\\"]),
    ("a \"\"\n", ["a", ""]),
    ("\"\\t\\a\\b\\r\\n\"\n", ["\t\u{7}\u{8}\r\n"]), ("a b\0c d\n", ["a", "b"]),
  ])
  func `an inline request is split by Redis's quoting rules`(text: String, words: [String]) {
    let (requests, error) = decode(text)
    #expect(error == nil)
    #expect(requests == [words])
  }

  @Test(
    arguments: [
      ("*x\r\n", .invalidMultibulkLength), ("*+1\r\n", .invalidMultibulkLength),
      ("*\r\n", .invalidMultibulkLength), ("*1048577\r\n", .invalidMultibulkLength),
      ("*99999999999999999999\r\n", .invalidMultibulkLength),
      ("*1\r\nfoo", .expectedBulk(got: UInt8(ascii: "f"))), ("*1\r\n$-1\r\n", .invalidBulkLength),
      ("*1\r\n$x\r\n", .invalidBulkLength), ("*1\r\n$536870913\r\n", .invalidBulkLength),
      ("a \"b\r\n", .unbalancedQuotes), ("a 'b'c\r\n", .unbalancedQuotes),
    ] as [(String, ProtocolError)])
  func `malformed input is refused with the error that names it`(
    text: String, expected: ProtocolError
  ) {
    #expect(decode(text).error == expected)
  }

  @Test func `a line longer than Redis allows is refused`() {
    let ones = String(repeating: "1", count: 65_537)
    #expect(decode(ones).error == .inlineTooLong)
    #expect(decode("*" + ones).error == .multibulkCountTooLong)
    #expect(decode("*1\r\n$" + ones).error == .bulkCountTooLong)
  }

  @Test func `a bulk over the limit is refused as soon as its length is read`() {
    var limits = RequestLimits()
    limits.bulkByteCount = 10
    limits.requestByteCount = 25
    #expect(decode("*1\r\n$10\r\n0123456789\r\n", limits: limits).error == nil)
    #expect(decode("*1\r\n$11\r\n", limits: limits).error == .invalidBulkLength)
    let most = RequestLimits().bulkByteCount
    #expect(decode("*1\r\n$\(most)\r\n").error == nil)
    #expect(
      decode("*1\r\n$\(most + 1)\r\n").error == .bulkTooLarge(byteCount: most + 1, limit: most))
    let three = "*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$10\r\n"
    #expect(decode(three, limits: limits).error == .requestTooLarge(limit: 25))
  }

  @Test func `requests before malformed input are still decoded`() {
    let (requests, error) = decode("PING\r\n*1\r\n!")
    #expect(requests == [["PING"]])
    #expect(error == .expectedBulk(got: UInt8(ascii: "!")))
  }

  @Test func `random bytes never trap`() {
    var generator = SystemRandomNumberGenerator()
    let alphabet = Array("*$\r\n0123456789-\"'\\x abGET\0".utf8) + [0xFF]
    for _ in 0..<20_000 {
      let count = Int.random(in: 0..<40, using: &generator)
      let bytes = (0..<count).map { _ in alphabet.randomElement(using: &generator)! }
      let whole = decode([bytes[...]])
      let single = decode(bytes.indices.map { bytes[$0...$0] })
      #expect(whole.requests == single.requests, "\(bytes)")
      #expect(whole.error == single.error, "\(bytes)")
    }
  }
}
