import Glibc
import KVStore
import Testing

@testable import KVServer

/// Commands that walk over much are carried out beside the event loops, and nobody can tell but by who is served
/// meanwhile.
///
/// The story: KEYS, HGETALL, SUNION, SORT and DBSIZE of millions ran on the event loop, and all its clients waited for
/// seconds.
struct LongReadTests {
  private static let count = 1_500
  private static let inlineStepCount = 1_000
  private static let names = (0..<count).map { "k\($0)" }

  private static func filled() throws -> (TestServer, TestClient) {
    let server = try TestServer { $0.inlineStepCount = inlineStepCount }
    let client = try server.client()
    for start in stride(from: 0, to: count, by: 500) {
      let part = names[start..<min(count, start + 500)]
      #expect(try client.ask(["MSET"] + part.flatMap { [$0, "v"] }) == "+OK")
      #expect(try client.ask(["HSET", "{m}map"] + part.flatMap { [$0, "v"] }) == ":\(part.count)")
      #expect(try client.ask(["SADD", "{m}set"] + part) == ":\(part.count)")
    }
    return (server, client)
  }

  private static func longReads(_ client: TestClient) throws -> Int {
    let info = try client.ask("INFO", "stats")
    let field = try #require(
      info.split(separator: "\r\n").first { $0.hasPrefix("kvd_long_reads:") })
    return try #require(Int(field.dropFirst("kvd_long_reads:".count)))
  }

  @Test func `a long command gives the reply that a short one gives, in its place`() throws {
    let (server, client) = try Self.filled()
    let sorted = Self.names.sorted().map { "$" + $0 }.joined(separator: " ")
    let pairs = Self.names.sorted().map { "$\($0) $v" }.joined(separator: " ")
    let commands: [([String], String)] = [
      (["KEYS", "k*"], "[\(sorted)]"), (["HKEYS", "{m}map"], "[\(sorted)]"),
      (["HGETALL", "{m}map"], "[\(pairs)]"), (["SMEMBERS", "{m}set"], "[\(sorted)]"),
      (["SUNION", "{m}set", "{m}none"], "[\(sorted)]"),
      (["SINTER", "{m}set", "{m}set"], "[\(sorted)]"), (["DBSIZE"], ":\(Self.count + 3)"),
      (["SORT", "{m}set", "ALPHA"], "[\(sorted)]"),
      (["SINTERCARD", "1", "{m}set"], ":\(Self.count)"),
      (["KV.PREFIX", "k", "LIMIT", "100000", "KEYS"], "[\(sorted)]"),
    ]
    var expected = try Self.longReads(client)
    for (command, reply) in commands {
      client.send(
        TestClient.encode(["SET", "z", command[0]]) + TestClient.encode(command)
          + TestClient.encode(["GET", "z"]) + TestClient.encode(["CLIENT", "REPLY", "SKIP"])
          + TestClient.encode(command) + TestClient.encode(["PING"]))
      #expect(try client.reply() == "+OK")
      #expect(try client.reply() == reply, "\(command)")
      #expect(try client.reply() == "$\(command[0])")
      #expect(try client.reply() == "+PONG")
      expected += 2
    }
    #expect(try Self.longReads(server.client()) == expected)
    #expect(try client.ask("MEMORY", "USAGE", "{m}set", "SAMPLES", "0").hasPrefix(":"))
    #expect(try client.ask("SCAN", "0", "MATCH", "nothing").hasPrefix("[$0 []"))
    #expect(try Self.longReads(server.client()) == expected + 1)
    let called = try client.ask("INFO", "commandstats")
    #expect(called.contains("cmdstat_keys:calls=2,"))
    server.stop()
  }

  @Test func `values that are long together are read beside the event loop`() throws {
    let server = try TestServer { $0.inlineStepCount = Self.inlineStepCount }
    let client = try server.client()
    let value = String(repeating: "v", count: 64 << 10)
    #expect(try client.ask("MSET", "a", value, "b", "w") == "+OK")
    #expect(try client.ask("HSET", "h", "a", value, "b", "w") == ":2")
    let names = (0..<20).flatMap { _ in ["a", "b", "none"] }
    let values = (0..<20).map { _ in "$\(value) $w nil" }.joined(separator: " ")
    #expect(try client.ask(["EXISTS"] + names) == ":40")
    #expect(try client.ask(["MGET"] + names) == "[\(values)]")
    #expect(try client.ask(["HMGET", "h"] + names) == "[\(values)]")
    #expect(try Self.longReads(client) == 2)
    #expect(try client.ask(["EXISTS"] + [String](repeating: "b", count: 100)) == ":100")
    #expect(try Self.longReads(client) == 2)
    #expect(try client.line("MULTI") == "+OK")
    #expect(try client.ask(["MGET"] + names) == "+QUEUED")
    #expect(try client.ask(["HMGET", "h"] + names) == "+QUEUED")
    #expect(try client.line("EXEC") == "[[\(values)] [\(values)]]")
    let conditions = (0..<30).flatMap { _ in ["IF", "a", "PRESENT"] }
    #expect(try client.ask(["KV.BATCH"] + conditions + ["SET", "c", "1", "DEL", "b"]) == "+OK")
    #expect(try client.line("MGET b c") == "[nil $1]")
    #expect(try client.ask(["DEL"] + names) == ":1")
    server.stop()
  }

  @Test func `a set that is named many times is walked once`() throws {
    let (server, client) = try Self.filled()
    #expect(try client.ask(["SADD", "{m}few"] + Self.names.prefix(100)) == ":100")
    let named = [String](repeating: "{m}few", count: 200)
    #expect(try client.ask(["SINTERCARD", "200"] + named) == ":100")
    #expect(try client.ask(["SDIFF"] + named) == "[]")
    #expect(try client.ask(["SUNION"] + named).split(separator: " ").count == 100)
    #expect(try Self.longReads(client) == 0)
    server.stop()
  }

  @Test func `others are served while one is under way`() throws {
    let (server, client) = try Self.filled()
    let other = try server.client()
    let rounds = 2
    // More than there are threads for, and each of them alone takes longer than a PING.
    let readers = try (0..<10).map { _ in try server.client() }
    for reader in readers {
      reader.send(
        (0..<rounds).flatMap { _ in TestClient.encode(["SINTERCARD", "2", "{m}set", "{m}set"]) }
          + TestClient.encode(["INCR", "order"]))
    }
    #expect(try other.ask("INCR", "order") == ":1")
    for reader in readers {
      for _ in 0..<rounds {
        #expect(try reader.reply() == ":\(Self.count)")
      }
      #expect(try reader.reply().hasPrefix(":"))
    }
    #expect(try client.ask("GET", "order") == "$11")
    server.stop()
  }

  @Test func `a reply over the limit is refused as ever`() throws {
    let server = try TestServer {
      $0.inlineStepCount = Self.inlineStepCount
      $0.outputLimits.normal = OutputLimits.Limit(hard: 5_000, soft: 0, softSeconds: 0)
    }
    let client = try server.client()
    for start in stride(from: 0, to: Self.count, by: 500) {
      let part = Self.names[start..<min(Self.count, start + 500)]
      #expect(try client.ask(["SADD", "set"] + part) == ":\(part.count)")
    }
    client.send(TestClient.encode(["SORT", "set", "ALPHA"]))
    #expect(client.isClosedByServer())
    server.stop()
  }

  /// The story: it answered the next command of a client that had just lost the right to it, and the I/O thread turned
  /// round forever.
  @Test func `the reply of one that is refused before it is told answers nothing else`() throws {
    let server = try TestServer {
      $0.inlineStepCount = Self.inlineStepCount
      $0.debugCommands = .yes
    }
    let client = try server.client()
    let admin = try server.client()
    #expect(try client.ask("SADD", "few", "one") == ":1")
    for start in stride(from: 0, to: Self.count, by: 500) {
      let part = Self.names[start..<min(Self.count, start + 500)]
      #expect(try client.ask(["SADD", "set"] + part) == ":\(part.count)")
    }
    // The pause, which holds SORT back, begins in the turn in which that has begun.
    admin.send("DEBUG SLEEP 0.3\r\nCLIENT PAUSE 100000 WRITE\r\n")
    client.send("SORT set ALPHA\r\nSMEMBERS few\r\n")
    for _ in 0..<2 { #expect(try admin.reply() == "+OK") }
    #expect(try admin.line("ACL SETUSER default -sort") == "+OK")
    #expect(try admin.line("CLIENT UNPAUSE") == "+OK")
    #expect(try client.reply().hasPrefix("-NOPERM "))
    #expect(try client.reply() == "[$one]")
    #expect(try client.line("PING") == "+PONG")
    server.stop()
  }

  /// It is told of the comparisons, too: an EXEC of SORT would have writers wait for all of them otherwise.
  @Test func `to sort is more than to walk`() throws {
    let server = try TestServer { $0.inlineStepCount = 300 }
    let client = try server.client()
    let names = Self.names.prefix(100)
    #expect(try client.ask(["SADD", "set"] + names) == ":100")
    let sorted = names.sorted().map { "$" + $0 }.joined(separator: " ")
    #expect(try client.ask("SORT", "set", "BY", "none", "LIMIT", "0", "1").hasPrefix("[$k"))
    #expect(try Self.longReads(client) == 0)
    #expect(try client.ask("SORT", "set", "ALPHA") == "[\(sorted)]")
    #expect(try Self.longReads(client) == 1)
    server.stop()
  }

  private static func clientMemory(_ client: TestClient) throws -> Int {
    let info = try client.ask("INFO", "memory")
    let field = try #require(
      info.split(separator: "\r\n").first { $0.hasPrefix("mem_clients_normal:") })
    return try #require(Int(field.dropFirst("mem_clients_normal:".count)))
  }

  /// A reply gets room as it needs it: this one is begun again twice.
  @Test func `a large reply is whole, and its memory is given back`() throws {
    let server = try TestServer { $0.inlineStepCount = 100 }
    let client = try server.client()
    let value = String(repeating: "v", count: 100_000)
    for number in 0..<400 {
      #expect(try client.ask("HSET", "map", "\(number)", value) == ":1")
    }
    let reply = try client.ask("HVALS", "map")
    #expect(reply == "[" + Array(repeating: "$" + value, count: 400).joined(separator: " ") + "]")
    let other = try server.client()
    #expect(try Self.clientMemory(other) < 4 << 20)
    server.stop()
  }

  /// Replies that were done were counted nowhere while older ones were unread, and each could take all there was.
  @Test func `what long reads hold counts as memory of clients`() throws {
    let server = try TestServer {
      $0.inlineStepCount = 100
      $0.clientMemoryByteCount = Server.leastClientMemoryByteCount
    }
    let client = try server.client()
    let value = String(repeating: "v", count: 100_000)
    for number in 0..<500 { #expect(try client.ask("HSET", "map", "\(number)", value) == ":1") }
    let readers = try (0..<6).map { _ in try server.client() }
    for reader in readers { reader.send(TestClient.encode(["HVALS", "map"])) }
    var refused = 0
    for reader in readers {
      let reply = try reader.reply()
      if reply.hasPrefix("-OOM") { refused += 1 } else { #expect(reply.utf8.count > 50_000_000) }
    }
    #expect(refused > 0 && refused < 6)
    #expect(try Self.clientMemory(client) < 8 << 20)
    server.stop()
  }

  @Test func `a read that nobody wants any more leaves nothing behind`() throws {
    let (server, client) = try Self.filled()
    let keys = (0..<4_000).map { _ in "{m}set" }
    for _ in 0..<30 {
      let leaver = try server.client()
      leaver.send(TestClient.encode(["SINTERCARD", "4000"] + keys))
      usleep(2_000)
      leaver.reset()
    }
    let end = ContinuousClock.now + .seconds(20)
    while try Self.clientMemory(client) > 1 << 20, ContinuousClock.now < end { usleep(10_000) }
    #expect(try Self.clientMemory(client) < 1 << 20)
    server.stop()
  }

  @Test func `a connection that goes, a reload and a stop end what is under way`() throws {
    let (server, _) = try Self.filled()
    for round in 0..<6 {
      let leaver = try server.client()
      leaver.send(
        (0..<5).flatMap { _ in TestClient.encode(["KEYS", "*"]) }
          + TestClient.encode(["DBSIZE"]))
      if round % 2 == 0 { leaver.reset() }
    }
    let stopped = try server.client()
    stopped.send((0..<10).flatMap { _ in TestClient.encode(["HGETALL", "{m}map"]) })
    server.stop()
  }
}
