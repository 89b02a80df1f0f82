import Testing

@testable import KVServer

/// What a writer has written, as text.
func written(resp3: Bool = false, limit: Int = 1 << 20, _ body: (inout ReplyWriter) -> Void)
  -> String
{
  var reply = ReplyWriter(limit: limit)
  reply.isRESP3 = resp3
  body(&reply)
  return (0..<reply.count).map { String(UnicodeScalar(reply.bytes[$0])) }.joined()
}

struct ReplyWriterTests {
  @Test func `every kind of reply has its RESP2 form`() {
    #expect(written { $0.ok() } == "+OK\r\n")
    #expect(written { $0.simple("PONG") } == "+PONG\r\n")
    #expect(written { $0.integer(Int64.min) } == ":-9223372036854775808\r\n")
    #expect(written { $0.integer(Int64(0)) } == ":0\r\n")
    #expect(written { $0.bulk("") } == "$0\r\n\r\n")
    #expect(written { $0.bulk("0123456789") } == "$10\r\n0123456789\r\n")
    #expect(written { $0.null() } == "$-1\r\n")
    #expect(written { $0.nullArray() } == "*-1\r\n")
    #expect(written { $0.array(12) } == "*12\r\n")
    #expect(written { $0.map(2) } == "*4\r\n")
    #expect(written { $0.set(2) } == "*2\r\n")
    #expect(written { $0.verbatim("hi") } == "$2\r\nhi\r\n")
    #expect(written { $0.error("ERR no") } == "-ERR no\r\n")
  }

  @Test func `RESP3 has nulls, maps, sets and verbatim strings of its own`() {
    #expect(written(resp3: true) { $0.null() } == "_\r\n")
    #expect(written(resp3: true) { $0.nullArray() } == "_\r\n")
    #expect(written(resp3: true) { $0.map(2) } == "%2\r\n")
    #expect(written(resp3: true) { $0.set(2) } == "~2\r\n")
    #expect(written(resp3: true) { $0.verbatim("hi") } == "=6\r\ntxt:hi\r\n")
  }

  @Test func `an error stays on one line whatever is quoted in it`() {
    let name = "a\r\nb"
    #expect(written { $0.error("ERR \(name)") } == "-ERR a  b\r\n")
  }

  @Test func `an array header goes before elements already written`() {
    let text = written {
      $0.ok()
      let start = $0.count
      $0.bulk("a")
      $0.bulk("b")
      $0.insertArrayHeader(2, at: start)
    }
    #expect(text == "+OK\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n")
  }

  @Test func `a reply over the limit is marked and can be taken back`() {
    var reply = ReplyWriter(limit: 20)
    reply.ok()
    reply.bulk("0123456789")
    let fits = !reply.isOverflowing
    reply.bulk("0123456789")
    let overflows = reply.isOverflowing
    reply.takeBack(to: 5)
    let isBack = !reply.isOverflowing && reply.count == 5
    #expect(fits && overflows && isBack)
  }

  private static let kinds: [@Sendable (inout ReplyWriter) -> Void] = [
    { $0.null() }, { $0.nullArray() }, { $0.integer(Int64(7)) }, { $0.array(1) }, { $0.map(1) },
    { $0.set(1) }, { $0.ok() }, { $0.simple("PONG") }, { $0.simple(String("PONG")) },
    { $0.bool(true) }, { $0.error("ERR no") }, { $0.error(String("ERR no")) }, { $0.bulk("text") },
    { $0.line("text") }, { $0.verbatim("text") }, { $0.insertArrayHeader(1, at: 0) },
    { $0.bulk(String("text")) }, { $0.repeatBytes(at: 0..<4) },
  ]

  /// The story: only bulk strings were counted, and a reply of nulls grew until there was no memory left.
  @Test(arguments: kinds.indices, [false, true])
  func `nothing passes the limit, whatever its kind`(kind: Int, isRESP3: Bool) {
    var reply = ReplyWriter(limit: 1000)
    reply.isRESP3 = isRESP3
    reply.ok()
    let most = reply.limit + ReplyWriter.shortReserve
    // Headers are put in front of all there is.
    var left = kind == 15 ? 0 : most
    if kind == 15 {
      [UInt8](repeating: 0x2B, count: most).withRawBytes { reply.bytes.append($0) }
      Self.kinds[kind](&reply)
    }
    while left > 0, !reply.isOverflowing {
      Self.kinds[kind](&reply)
      left -= 1
    }
    let full = reply.count
    let overflows = reply.isOverflowing
    Self.kinds[kind](&reply)
    reply.null()
    let isUnchanged = reply.count == full
    #expect(overflows && isUnchanged && full <= most + 16)
    reply.takeBack(to: 5)
    reply.error("ERR too large")
    #expect(reply.count == 5 + 16)
  }

  @Test func `an error fits where the limit is reached`() {
    var reply = ReplyWriter(limit: 20)
    reply.bulk("01234567890123456789")
    reply.bulk(String("x"))
    reply.takeBack(to: 0)
    for _ in 0..<5 { reply.ok() }
    let start = reply.count
    reply.error("ERR too large")
    let isThere = reply.count > start && !reply.isOverflowing
    #expect(isThere)
  }
}
