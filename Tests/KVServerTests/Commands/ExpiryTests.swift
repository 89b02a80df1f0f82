import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// The replies are those of Redis 7.0.15.
struct ExpiryTests {
  @Test(arguments: [
    Conversation(
      "TTL",
      [
        ("TTL a", ":-2"), ("PTTL a", ":-2"), ("EXPIRETIME a", ":-2"), ("PEXPIRETIME a", ":-2"),
        ("SET a 1", "+OK"), ("TTL a", ":-1"), ("PTTL a", ":-1"), ("EXPIRETIME a", ":-1"),
        ("EXPIRE a 100", ":1"), ("TTL a", ":100"), ("PERSIST a", ":1"), ("PERSIST a", ":0"),
        ("TTL a", ":-1"), ("EXPIREAT a 33177117420", ":1"), ("EXPIRETIME a", ":33177117420"),
        ("PEXPIRETIME a", ":33177117420000"), ("PEXPIREAT a 33177117420501", ":1"),
        ("EXPIRETIME a", ":33177117421"), ("GET a", "$1"), ("PERSIST b", ":0"),
        ("EXPIRE b 1", ":0"),
      ]),
    Conversation(
      "EXPIRE in the past deletes",
      [
        ("SET a 1", "+OK"), ("EXPIRE a 0", ":1"), ("EXISTS a", ":0"), ("SET a 1", "+OK"),
        ("EXPIRE a -10", ":1"), ("GET a", "nil"), ("SET a 1", "+OK"), ("PEXPIREAT a 1", ":1"),
        ("DBSIZE", ":0"),
      ]),
    Conversation(
      "EXPIRE NX, XX, GT, LT",
      [
        ("SET a 1", "+OK"), ("EXPIRE a 100 XX", ":0"), ("EXPIRE a 100 GT", ":0"),
        ("EXPIRE a 100 NX", ":1"), ("EXPIRE a 200 NX", ":0"), ("TTL a", ":100"),
        ("EXPIRE a 50 GT", ":0"), ("EXPIRE a 200 GT", ":1"), ("TTL a", ":200"),
        ("EXPIRE a 300 LT", ":0"), ("EXPIRE a 100 LT", ":1"), ("TTL a", ":100"),
        ("EXPIRE a 150 XX GT", ":1"), ("PERSIST a", ":1"), ("EXPIRE a 100 LT", ":1"),
        ("TTL a", ":100"),
      ]),
    Conversation(
      "errors",
      [
        ("SET a 1", "+OK"), ("EXPIRE a", "-ERR wrong number of arguments for 'expire' command"),
        ("EXPIRE a x", "-ERR value is not an integer or out of range"),
        ("EXPIRE a 9223372036854775807", "-ERR invalid expire time in 'expire' command"),
        ("PEXPIRE a 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"),
        ("EXPIREAT a 9223372036854775807", "-ERR invalid expire time in 'expireat' command"),
        ("EXPIRE a 1 AB", "-ERR Unsupported option AB"),
        (
          "EXPIRE a 1 NX GT",
          "-ERR NX and XX, GT or LT options at the same time are not compatible"
        ),
        ("EXPIRE a 1 GT LT", "-ERR GT and LT options at the same time are not compatible"),
        ("EXPIRE a x GT LT", "-ERR GT and LT options at the same time are not compatible"),
      ]),
    Conversation(
      "what is written again",
      [
        ("SET a 1 EX 100", "+OK"), ("INCR a", ":2"), ("TTL a", ":100"), ("APPEND a 0", ":2"),
        ("TTL a", ":100"), ("SET a 1 KEEPTTL", "+OK"), ("TTL a", ":100"), ("SET a 1", "+OK"),
        ("TTL a", ":-1"), ("HSET h f v", ":1"), ("EXPIRE h 100", ":1"), ("HSET h g v", ":1"),
        ("TTL h", ":100"), ("HDEL h f g", ":2"), ("TTL h", ":-2"), ("HSET h f v", ":1"),
        ("TTL h", ":-1"), ("SET a 1 EX 50", "+OK"), ("RENAME a b", "+OK"), ("TTL b", ":50"),
        ("COPY b c", ":1"), ("TTL c", ":50"), ("DBSIZE", ":3"),
      ]),
  ])
  func `expiry as Redis has it`(_ conversation: Conversation) throws { try conversation.run() }
}

struct ExpiryClockTests {
  private let clock = TestClock(start: 1_800_000_000_000)

  private func makeServer() throws -> TestServer {
    var options = StoreOptions()
    options.clock = clock.source
    return try TestServer(store: options)
  }

  @Test func `a key is there until the millisecond that it expires at, and not in it`() throws {
    let server = try makeServer()
    let client = try server.client()
    #expect(try client.line("SET a 1 PX 1000") == "+OK")
    clock.advance(999)
    #expect(try client.line("GET a") == "$1")
    #expect(try client.line("PTTL a") == ":1")
    clock.advance(1)
    for question in ["GET a", "TTL a", "EXISTS a", "KEYS *", "TYPE a", "MGET a", "SCAN 0"] {
      let answers = ["nil", ":-2", ":0", "[]", "+none", "[nil]", "[$0 []]"]
      #expect(answers.contains(try client.line(question)), "\(question)")
    }
  }

  @Test
  func `a key that was once told to have expired does not come back when the clock is set back`()
    throws
  {
    let directory = TestDirectory()
    var options = StoreOptions()
    options.clock = clock.source
    for round in 0..<2 {
      let store = try Store.open(at: directory.path + "/data", options: options)
      var serverOptions = ServerOptions()
      serverOptions.port = 0
      let server = try Server(store: store, options: serverOptions)
      let client = try TestClient(port: server.port)
      if round == 0 {
        #expect(try client.line("SET a 1 PX 1000") == "+OK")
        #expect(try client.line("HSET h f v") == ":1")
        #expect(try client.line("PEXPIRE h 1000") == ":1")
        clock.advance(1000)
        #expect(try client.line("GET a") == "nil")
        #expect(try client.line("HGETALL h") == "[]")
        clock.setBack(3_600_000)
      }
      #expect(try client.line("GET a") == "nil")
      #expect(try client.line("HGETALL h") == "[]")
      server.stop()
      server.wait()
      try store.close()
    }
  }

  @Test func `what has expired is removed in the background, maps with all their fields`() throws {
    let server = try makeServer()
    let client = try server.client()
    for number in 0..<1000 {
      client.send("SET s\(number) v PX \(1000 + number % 7)\r\n")
      client.send("HSET h\(number % 50) f\(number) v\r\n")
    }
    for _ in 0..<2000 { _ = try client.reply() }
    for number in 0..<50 { #expect(try client.line("PEXPIRE h\(number) 1000") == ":1") }
    #expect(try client.line("SET kept v PX 2000000") == "+OK")
    #expect(try client.line("SET s1 again") == "+OK")
    clock.advance(1100)
    // The worker looks ten times a second; DBSIZE counts what it has not come to.
    for _ in 0..<1000 where try client.line("DBSIZE") != ":2" { usleep(10_000) }
    #expect(try client.line("DBSIZE") == ":2")
    #expect(try server.store.scan(.everything, in: .owned).isEmpty)
    #expect(try client.line("GET s1") == "$again")
  }

  @Test func `EXEC is told by one moment, and fails where a watched key has expired`() throws {
    let server = try makeServer()
    let client = try server.client()
    #expect(try client.line("SET a 1 PX 1000") == "+OK")
    #expect(try client.line("WATCH a") == "+OK")
    #expect(try client.line("MULTI") == "+OK")
    #expect(try client.line("SET b 1") == "+QUEUED")
    clock.advance(1000)
    #expect(try client.line("EXEC") == "nil")
    #expect(try client.line("GET b") == "nil")
    #expect(try client.line("WATCH a") == "+OK")
    #expect(try client.line("MULTI") == "+OK")
    #expect(try client.line("SET b 1") == "+QUEUED")
    #expect(try client.line("EXEC") == "[+OK]")
  }
}
