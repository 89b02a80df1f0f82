import Base
import KVStore
import Testing

@testable import KVServer

/// The replies are those of Redis 7.0.15.
struct KeysTests {
  @Test(arguments: [
    Conversation(
      "RENAME",
      [
        ("RENAME a b", "-ERR no such key"), ("SET a 1", "+OK"), ("RENAME a b", "+OK"),
        ("GET a", "nil"), ("GET b", "$1"), ("RENAME b b", "+OK"), ("RENAMENX b b", ":0"),
        ("RENAMENX x b", "-ERR no such key"), ("SET c 2", "+OK"), ("RENAMENX b c", ":0"),
        ("RENAMENX b d", ":1"), ("HSET h f v g w", ":2"), ("RENAME h i", "+OK"),
        ("HGETALL i", "[$f $v $g $w]"), ("RENAME i c", "+OK"), ("TYPE c", "+hash"),
        ("HSET h f new", ":1"), ("HGET c f", "$v"), ("RENAME d c", "+OK"), ("GET c", "$1"),
        ("DBSIZE", ":2"),
      ]),
    Conversation(
      "COPY",
      [
        ("COPY a b", ":0"), ("SET a 1", "+OK"), ("COPY a b", ":1"), ("GET b", "$1"),
        ("SET a 2", "+OK"), ("COPY a b", ":0"), ("COPY a b REPLACE", ":1"), ("GET b", "$2"),
        ("COPY a a", "-ERR source and destination objects are the same"),
        ("COPY a b DB", "-ERR syntax error"), ("COPY a b DB 99", "-ERR DB index is out of range"),
        ("COPY a b DB x", "-ERR value is not an integer or out of range"),
        ("COPY a c DB 0", ":1"), ("HSET h f v", ":1"), ("COPY h i", ":1"), ("HSET i f w", ":0"),
        ("HGET h f", "$v"), ("HGET i f", "$w"), ("COPY h a REPLACE", ":1"), ("TYPE a", "+hash"),
      ]),
    Conversation(
      "TOUCH and OBJECT",
      [
        ("SET a 1", "+OK"), ("SET b x", "+OK"), ("TOUCH a b c a", ":3"),
        ("OBJECT ENCODING a", "$int"), ("OBJECT ENCODING b", "$embstr"),
        ("SET b 123456789012345678901234567890123456789012345", "+OK"),
        ("OBJECT ENCODING b", "$raw"), ("OBJECT ENCODING none", "nil"), ("OBJECT FREQ none", "nil"),
        ("HSET h f v", ":1"), ("OBJECT ENCODING h", "$listpack"), ("OBJECT REFCOUNT b", ":1"),
        ("OBJECT nothing", "-ERR unknown subcommand 'nothing'. Try OBJECT HELP."),
        ("OBJECT", "-ERR wrong number of arguments for 'object' command"),
        ("OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command"),
      ]),
    Conversation(
      "RESTORE's errors",
      [
        ("DUMP a", "nil"), ("RESTORE a 0 x", "-ERR DUMP payload version or checksum are wrong"),
        ("RESTORE a -1 x", "-ERR Invalid TTL value, must be >= 0"),
        ("RESTORE a x x", "-ERR value is not an integer or out of range"),
        ("RESTORE a 0 x REPLACE no", "-ERR syntax error"),
        ("RESTORE a 0 x IDLETIME -1", "-ERR Invalid IDLETIME value, must be >= 0"),
        ("RESTORE a 0 x FREQ 300", "-ERR Invalid FREQ value, must be >= 0 and <= 255"),
        ("RESTORE a 0 x IDLETIME 1 FREQ 1", "-ERR syntax error"), ("SET a 1", "+OK"),
        ("RESTORE a 0 x", "-BUSYKEY Target key name already exists."),
      ]),
  ])
  func `keys as Redis has them`(_ conversation: Conversation) throws { try conversation.run() }

  @Test func `the checksum of dumps is that of Redis`() {
    #expect(CRC64.checksum(Array("123456789".utf8).span.bytes) == 0xE9C6_D914_C4B8_D9CA)
  }

  @Test func `the checksum of any length is that of one bit after another`() {
    var bytes: [UInt8] = []
    for length in 0..<70 {
      var register: UInt64 = 0
      for byte in bytes {
        register ^= UInt64(byte)
        for _ in 0..<8 {
          register = register & 1 == 1 ? register >> 1 ^ 0x95AC_9329_AC4B_C9B5 : register >> 1
        }
      }
      #expect(CRC64.checksum(bytes.span.bytes) == register, "\(length) bytes")
      bytes.append(UInt8(truncatingIfNeeded: length &* 37 &+ 11))
    }
  }

  /// A dump of 64 MiB told of as many empty members, each of which took sixteen bytes of memory while all writers
  /// waited.
  @Test func `a dump of more members than a batch may have is refused before it is read`() throws {
    let server = try TestServer()
    let client = try server.client()
    var dump = [ValueDump.Kind.set.rawValue]
    let count = Limits.batchByteCount / Limits.mutationByteCount + 1
    ValueDump.appendCount(count, to: &dump)
    dump += [UInt8](repeating: 0, count: count)
    ValueDump.appendFooter(to: &dump)
    let words = ["RESTORE", "a", "0"].map { Array($0.utf8) }
    let refusal = try client.ask(words + [dump])
    #expect(
      refusal.hasPrefix("-ERR batch of \(count * Limits.mutationByteCount) bytes is too large"))
    #expect(try client.line("EXISTS a") == ":0")
    #expect(try client.line("SET a 1") == "+OK")
    // As ever the key counts first.
    #expect(try client.ask(words + [dump]).hasPrefix("-BUSYKEY"))
    server.stop()
  }

  @Test func `RESTORE in a transaction and in a script does what it does alone`() throws {
    let server = try TestServer()
    let client = try server.client()
    var dump: [UInt8] = [0, 1, 0x76]
    ValueDump.appendFooter(to: &dump)
    let words = ["RESTORE", "a", "0"].map { Array($0.utf8) }
    #expect(try client.line("MULTI") == "+OK")
    #expect(try client.ask(words + [dump]) == "+QUEUED")
    #expect(try client.ask(words + [[1]]) == "+QUEUED")
    #expect(try client.ask(words + [[1], Array("REPLACE".utf8)]) == "+QUEUED")
    #expect(
      try client.line("EXEC")
        == "[+OK -BUSYKEY Target key name already exists. "
        + "-ERR DUMP payload version or checksum are wrong]")
    #expect(try client.line("GET a") == "$v")
    let script = "return redis.call('RESTORE', KEYS[1], 0, ARGV[1])"
    let evaluation = ["EVAL", script, "1", "b"].map { Array($0.utf8) }
    #expect(try client.ask(evaluation + [dump]) == "+OK")
    #expect(try client.line("GET b") == "$v")
    server.stop()
  }

  /// Made by a Redis 7.0.15.
  @Test func `a string dumped by Redis is restored, and dumped the same`() throws {
    let dump: [UInt8] =
      Array("\u{0}\u{5}hello".utf8) + [10, 0, 0x63, 0x72, 0xDF, 0x76, 0x65, 0x34, 0x20, 0x0A]
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.ask([Array("RESTORE".utf8), [97], [48], dump]) == "+OK")
    #expect(try client.line("GET a") == "$hello")
    var damaged = dump
    damaged[3] ^= 1
    #expect(
      try client.ask([Array("RESTORE".utf8), [98], [48], damaged])
        == "-ERR DUMP payload version or checksum are wrong")
  }
}
