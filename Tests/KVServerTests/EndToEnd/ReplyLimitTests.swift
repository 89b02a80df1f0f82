import Testing

@testable import KVServer

/// Replies that do not fit.
///
/// The story: only bulk strings were held to the limit, so SORT with half a million `GET`s wrote gigabytes of nulls; MGET
/// and its kin went on after the reply had overflowed; and GETDEL, GETSET and SET with GET destroyed a value that the
/// client was not told.
struct ReplyLimitTests {
  private static let value = String(repeating: "v", count: 200_000)

  private static func field(_ name: String, _ client: TestClient) throws -> Int {
    let info = try client.ask("INFO", "stats")
    let field = try #require(info.split(separator: "\r\n").first { $0.hasPrefix("\(name):") })
    return try #require(Int(field.split(separator: ":")[1]))
  }

  /// A server that cuts off who is owed more than 100,000 bytes, with one large value at `a`.
  private static func strict() throws -> (TestServer, TestClient) {
    let server = try TestServer {
      $0.outputLimits.normal = OutputLimits.Limit(hard: 100_000, soft: 0, softSeconds: 0)
      $0.scriptMemoryByteCount = 1 << 20
      $0.inlineStepCount = 1_000
    }
    let client = try server.client()
    #expect(try client.ask("SET", "a", value, "EX", "1000") == "+OK")
    return (server, client)
  }

  @Test(arguments: [
    [["GETDEL", "a"]], [["GETSET", "a", "new"]], [["SET", "a", "new", "GET"]],
    [["GETEX", "a", "PERSIST"]], [["SPOP", "s", "600"]], [["SPOP", "s", "1000"]],
    [["MULTI"], ["SET", "b", "1"], ["GETDEL", "a"], ["DEL", "s"], ["EXEC"]],
    [["EVAL", "return redis.call('GETDEL', KEYS[1])", "1", "a"]],
    [["MULTI"], ["EVAL", "return redis.call('GETDEL', KEYS[1])", "1", "a"], ["EXEC"]],
  ])
  func `a command whose reply does not fit changes nothing`(commands: [[String]]) throws {
    let (server, client) = try Self.strict()
    let members = (0..<1_000).map { "\($0)" + String(repeating: "m", count: 300) }
    #expect(try client.ask(["SADD", "s"] + members) == ":1000")
    let greedy = try server.client()
    for command in commands.dropLast() { #expect(try greedy.ask(command).hasPrefix("+")) }
    greedy.send(TestClient.encode(commands[commands.count - 1]))
    #expect(greedy.isClosedByServer())
    #expect(try client.ask("STRLEN", "a") == ":\(Self.value.utf8.count)")
    #expect(try client.ask("TTL", "a") != ":-1")
    #expect(try client.ask("EXISTS", "b") == ":0")
    #expect(try client.ask("SCARD", "s") == ":1000")
    server.stop()
  }

  @Test func `who wants no reply misses none that does not fit`() throws {
    let (server, client) = try Self.strict()
    client.send(
      TestClient.encode(["CLIENT", "REPLY", "SKIP"]) + TestClient.encode(["GETDEL", "a"])
        + TestClient.encode(["EXISTS", "a"]))
    // What is thrown away is not held to the limit on what waits.
    #expect(try client.reply() == ":0")
    server.stop()
  }

  /// SPOP removed nothing then, and said so to nobody.
  @Test func `who wants no reply has all of a batch done, however much it would reply`() throws {
    let (server, client) = try Self.strict()
    let members = (0..<1_000).map { "\($0)" + String(repeating: "m", count: 300) }
    #expect(try client.ask(["SADD", "s"] + members) == ":1000")
    let commands = [
      ["CLIENT", "REPLY", "OFF"], ["SPOP", "s", "600"], ["MULTI"], ["SET", "b", "1"],
      ["GETDEL", "a"], ["SPOP", "s", "399"], ["INCR", "n"], ["EXEC"], ["CLIENT", "REPLY", "ON"],
    ]
    client.send(commands.flatMap { TestClient.encode($0) })
    #expect(try client.reply() == "+OK")
    #expect(try client.ask("SCARD", "s") == ":1")
    #expect(try client.ask("MGET", "a", "b", "n") == "[nil $1 $1]")
    server.stop()
  }

  @Test func `a script cannot go on after a command whose change it could not be told of`() throws {
    let (server, client) = try Self.strict()
    let large = String(repeating: "v", count: 2_000_000)
    #expect(try client.ask("SET", "large", large) == "+OK")
    let tooLarge = "reply would be larger than"
    for command in ["GETDEL", "GETSET"] {
      let script =
        "redis.call('SET', 'b', 1) redis.pcall('\(command)', unpack(ARGV)) return 1"
      let arguments = command == "GETDEL" ? ["large"] : ["large", "new"]
      let reply = try client.ask(["EVAL", script, "0"] + arguments)
      #expect(reply.hasPrefix("-ERR ") && reply.contains(tooLarge) && reply.contains("nothing was"))
    }
    #expect(try client.ask("EXISTS", "large", "b") == ":1")
    #expect(try client.ask("EVAL", "redis.pcall('GET', 'large') return 1", "0") == ":1")
    #expect(try client.ask("EVAL", "return redis.pcall('GET', 'large')", "0").contains(tooLarge))
    server.stop()
  }

  /// Each table stands twice in the next: the reply has as many values as no time is enough for.
  @Test func `a script's reply that does not fit ends at once`() throws {
    let (server, client) = try Self.strict()
    let script =
      "local t = {1} for i = 1, 60 do t = {t, t} end redis.call('SET', 'b', 1) return t"
    client.send(TestClient.encode(["EVAL", script, "0"]))
    #expect(client.isClosedByServer())
    let other = try server.client()
    #expect(try other.ask("EXISTS", "b") == ":0")
    server.stop()
  }

  @Test func `nothing more is looked up for a reply that does not fit`() throws {
    let (server, client) = try Self.strict()
    #expect(try client.ask("HSET", "h", "f", Self.value) == ":1")
    let before = try Self.field("keyspace_hits", client)
    let greedy = try server.client()
    greedy.send(TestClient.encode(["HMGET", "h"] + [String](repeating: "f", count: 10_000)))
    #expect(greedy.isClosedByServer())
    #expect(try Self.field("keyspace_hits", client) <= before + 2)
    let other = try server.client()
    other.send(TestClient.encode(["MGET"] + [String](repeating: "a", count: 10_000)))
    #expect(other.isClosedByServer())
    server.stop()
  }

  @Test func `many look-ups that carry much are made beside the event loop`() throws {
    let server = try TestServer { $0.inlineStepCount = 1_000 }
    let client = try server.client()
    #expect(try client.ask("SET", "a", Self.value) == "+OK")
    #expect(try client.ask("HSET", "h", "f", Self.value) == ":1")
    let values = "[" + [String](repeating: "$" + Self.value, count: 10).joined(separator: " ") + "]"
    for (count, command) in [["MGET"], ["HMGET", "h"]].enumerated() {
      let name = command.count == 1 ? "a" : "f"
      client.send(
        TestClient.encode(["INCR", "n"])
          + TestClient.encode(command + [String](repeating: name, count: 10))
          + TestClient.encode(["INCR", "n"]))
      #expect(try client.reply() == ":\(count * 2 + 1)")
      #expect(try client.reply() == values)
      #expect(try client.reply() == ":\(count * 2 + 2)")
      #expect(try Self.field("kvd_long_reads", client) == count + 1)
    }
    server.stop()
  }

  @Test func `EXISTS looks up once what it counts many times`() throws {
    let (server, client) = try Self.strict()
    let names = (0..<200).map { ["a", "none", "a", "b"][$0 % 4] }
    #expect(try client.ask("SET", "b", "1") == "+OK")
    #expect(try client.ask(["EXISTS"] + names) == ":150")
    #expect(try client.ask(["TOUCH"] + names) == ":150")
    #expect(try Self.field("kvd_long_reads", client) == 0)
    #expect(try client.ask(["DEL"] + names) == ":2")
    #expect(try client.ask(["EXISTS"] + names) == ":0")
    server.stop()
  }

  @Test func `SORT is bounded in what it replies, and in what it keeps`() throws {
    let (server, client) = try Self.strict()
    #expect(try client.ask(["SADD", "s"] + (0..<200).map { "\($0)" }) == ":200")
    let pairs = [[String]](repeating: ["GET", "y"], count: 50_001).flatMap { $0 }
    #expect(
      try client.ask(["SORT", "s", "BY", "x"] + pairs)
        == "-ERR SORT replies with at most 10000000 elements: use LIMIT")
    #expect(try client.ask(["SORT", "s", "BY", "x", "LIMIT", "0", "0"] + pairs) == "[]")
    // Nulls count, though a value is not large.
    let nulls =
      "local a = {'SORT', 's'} for i = 1, 7000, 2 do a[i+2] = 'GET' a[i+3] = 'y' end "
      + "local sum = 0 for i = 1, 3 do sum = sum + #redis.call(unpack(a)) end return sum"
    #expect(try client.ask("EVAL", nulls, "0").contains("reply would be larger than"))
    for index in 0..<4 {
      #expect(
        try client.ask("SET", "w\(index)", String(repeating: "\(index)", count: 400_000)) == "+OK")
    }
    let sort = "return redis.call('SORT', 's', 'BY', 'w*', 'ALPHA', 'LIMIT', 0, 1)"
    #expect(
      try client.ask("EVAL", sort, "0").contains("SORT needs more than its memory limit of"))
    #expect(try client.ask("SORT", "s", "BY", "w*", "ALPHA", "LIMIT", "199", "1") != "[]")
    server.stop()
  }

  @Test func `what is named again costs nothing`() throws {
    let server = try TestServer()
    let client = try server.client()
    let one = try client.ask("COMMAND", "INFO", "get")
    let described = one.dropFirst().dropLast()
    #expect(
      try client.ask("COMMAND", "INFO", "get", "none", "GET", "get")
        == "[\(described) nil \(described) \(described)]")
    #expect(
      try client.ask("COMMAND", "DOCS", "get", "GET") == client.ask("COMMAND", "DOCS", "get"))
    let own = try client.ask("CLIENT", "ID").dropFirst()
    let listed = try client.ask(["CLIENT", "LIST", "ID"] + [String](repeating: "\(own)", count: 9))
    #expect(listed.split(separator: "\n").count == 1)
    #expect(
      try client.ask("CONFIG", "GET", "maxclient*", "MAXCLIENTS", "max?lients")
        == "[$maxclients $10000]")
    #expect(
      try client.ask("CONFIG", "GET", "MAXCLIENTS", "maxclient*", "maxclients")
        == "[$MAXCLIENTS $10000]")
    #expect(
      try client.ask(["CONFIG", "GET"] + [String](repeating: "*", count: 1025))
        == "-ERR CONFIG GET accepts at most 1024 patterns")
  }

  @Test func `SPOP of more members than a batch removes is refused before it draws any`() throws {
    let server = try TestServer()
    let client = try server.client()
    let count = 400_000
    for start in stride(from: 0, to: count, by: 40_000) {
      #expect(
        try client.ask(["SADD", "s"] + (start..<(start + 40_000)).map { "\($0)" }) == ":40000")
    }
    #expect(
      try client.ask("SPOP", "s", "\(count - 1)").hasPrefix("-ERR SPOP removes at most 38"))
    #expect(try client.ask("SCARD", "s") == ":\(count)")
  }

  @Test func `before a login nothing is received while replies are unread`() throws {
    let server = try TestServer { $0.stallTimeoutSeconds = 3 }
    let client = try server.client()
    #expect(try client.line("CONFIG SET requirepass secret") == "+OK")
    #expect(try client.line("AUTH secret") == "+OK")
    let stranger = try server.client()
    let pings = [UInt8]([String](repeating: "PING\r\n", count: 4_000_000).joined().utf8)
    stranger.send(pings)
    #expect(try Self.field("total_net_input_bytes", client) < pings.count / 2)
    while try Self.field("kvd_stalled_client_disconnections", client) == 0 {}
  }
}
