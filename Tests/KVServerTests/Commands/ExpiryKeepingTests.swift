import Testing

@testable import KVServer
@testable import KVStore

/// What each string command makes of a key's expiry.
struct ExpiryKeepingTests {
  static let moment: UInt64 = 33_000_000_000_000
  static let later: UInt64 = 34_000_000_000_000

  /// The expiry of `key`, 0 if it has none, nil if the key is absent.
  static func expiry(of key: String, in server: TestServer) throws -> UInt64? {
    try Array(key.utf8).withRawBytes { (key) throws(StoreError) in
      try server.store.makeReader().withEntry(of: key, through: .max) { info, _ in info?.expiry }
    }
  }

  @Test(
    arguments: [
      "INCR k", "DECR k", "INCRBY k 5", "DECRBY k 5", "INCRBYFLOAT k 0.5", "APPEND k 1",
      "SETRANGE k 3 x", "SETBIT k 50 1", "SETBIT k 0 1", "BITFIELD k SET u8 0 50",
      "BITFIELD k SET u8 100 1", "SET k 2 KEEPTTL", "SET k 2 NX", "SET k 2 KEEPTTL GET XX",
      "GETEX k", "SETRANGE k 3 ", "BITFIELD k GET u8 0", "SETNX k 2", "MSETNX q 1 k 2",
      "SET k 2 EX 0", "GETEX k EX 0", "BITOP NOT q k", "GET k",
    ])
  func `a command that changes a string keeps its expiry`(line: String) throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.line("SET k 1 PXAT \(Self.moment)") == "+OK")
    _ = try client.line(line)
    #expect(try Self.expiry(of: "k", in: server) == Self.moment)
  }

  @Test(
    arguments: [
      "SET k 2", "SET k 2 XX", "SET k 2 GET", "GETSET k 2", "MSET q 1 k 2", "GETEX k PERSIST",
      "BITOP OR k k q", "KV.BATCH SET k 2",
    ])
  func `a command that sets a string drops its expiry`(line: String) throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.line("SET k 1 PXAT \(Self.moment)") == "+OK")
    _ = try client.line(line)
    #expect(try Self.expiry(of: "k", in: server) == 0)
  }

  @Test(
    arguments: ["GETDEL k", "SET k 2 PXAT 1", "GETEX k EXAT 1", "DEL k", "BITOP OR k q q"])
  func `a key that is removed or expires in the past is absent`(line: String) throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.line("SET k 1 PXAT \(Self.moment)") == "+OK")
    _ = try client.line(line)
    #expect(try Self.expiry(of: "k", in: server) == nil)
    #expect(try client.line("INCR k") == ":1")
    #expect(try Self.expiry(of: "k", in: server) == 0)
  }

  @Test(arguments: [
    "SET k 2 PXAT 34000000000000", "GETEX k EXAT 34000000000", "SET k 2 XX GET PXAT 34000000000000",
  ])
  func `a command with a moment sets it`(line: String) throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.line("SET k 1 PXAT \(Self.moment)") == "+OK")
    _ = try client.line(line)
    #expect(try Self.expiry(of: "k", in: server) == Self.later)
  }

  @Test(
    arguments: [
      ("SET k 1 EX 5", 5000), ("SET k 1 PX 5", 5), ("SETEX k 5 1", 5000), ("PSETEX k 5 1", 5),
      ("GETEX k EX 5", 5000), ("GETEX k PX 5", 5),
    ])
  func `a key is there until its time and gone from then on`(line: String, duration: UInt64) throws
  {
    let time = TestClock(start: 1_000_000)
    var options = StoreOptions()
    options.clock = time.source
    let server = try TestServer(store: options)
    let client = try server.client()
    #expect(try client.line("SET k 1") == "+OK")
    _ = try client.line(line)
    #expect(try Self.expiry(of: "k", in: server) == 1_000_000 + duration)
    time.advance(duration - 1)
    #expect(try client.line("GET k") == "$1")
    time.advance(1)
    for (line, reply) in [
      ("GET k", "nil"), ("MGET k", "[nil]"), ("STRLEN k", ":0"), ("EXISTS k", ":0"),
      ("GETRANGE k 0 -1", "$"), ("BITCOUNT k", ":0"), ("GETDEL k", "nil"), ("GETEX k", "nil"),
      ("SET k 2 XX", "nil"), ("DEL k", ":0"), ("SET k 2 NX", "+OK"), ("GET k", "$2"),
    ] { #expect(try client.line(line) == reply, "\(line)") }
    #expect(try Self.expiry(of: "k", in: server) == 0)
  }

  @Test(arguments: ["INCR k", "APPEND k 1", "SETBIT k 7 1", "SETRANGE k 0 1", "SET k 1 KEEPTTL"])
  func `what an expired key held and its expiry are not taken over`(line: String) throws {
    let time = TestClock(start: 1_000_000)
    var options = StoreOptions()
    options.clock = time.source
    let server = try TestServer(store: options)
    let client = try server.client()
    #expect(try client.line("SET k 12345 PX 10") == "+OK")
    time.advance(10)
    _ = try client.line(line)
    #expect(try client.line("STRLEN k") == ":1")
    #expect(try Self.expiry(of: "k", in: server) == 0)
  }
}
