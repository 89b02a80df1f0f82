import Glibc
import Synchronization
import Testing

@testable import KVServer

/// One evaluation has all writers wait no longer than `busy-reply-threshold`, whatever it consists of.
///
/// The story: each script in an EXEC had its five seconds, and walks had no limit at all: a thousand of them held all
/// writers for more than an hour, and nothing could interrupt that.
struct EvaluationDeadlineTests {
  private static func run(_ commands: [[String]], _ client: TestClient) throws -> String {
    client.send(TestClient.encode(["MULTI"]))
    client.send(commands.flatMap { TestClient.encode($0) } + TestClient.encode(["EXEC"]))
    #expect(try client.reply() == "+OK")
    for command in commands { #expect(try client.reply() == "+QUEUED", "\(command)") }
    return try client.reply()
  }

  /// Adds 60,000 members, 6,000 to the set of each name that is returned.
  @discardableResult
  private static func addMembers(
    _ client: TestClient, name: (Int) -> String
  ) throws -> [String] {
    try stride(from: 0, to: 60_000, by: 6_000).map { start throws in
      let members = (start..<start + 6_000).map { "member:\($0)" }
      #expect(try client.ask(["SADD", name(start)] + members) == ":6000")
      return name(start)
    }
  }

  private static let tooLong =
    "-EXECABORT Transaction discarded because of: ERR the transaction was stopped because it ran for more than "
    + "100 milliseconds (busy-reply-threshold)"

  @Test func `all scripts of an EXEC have the time of one`() throws {
    let server = try TestServer { $0.scriptMilliseconds = 100 }
    let client = try server.client()
    let endless = ["EVAL", "while true do end", "0"]
    let reply = try Self.run(
      [["SET", "k", "v"]] + [[String]](repeating: endless, count: 30) + [["SET", "l", "v"]], client)
    #expect(reply.hasPrefix(Self.tooLong), "\(reply.prefix(300))")
    #expect(try client.ask("MGET", "k", "l") == "[nil nil]")
    #expect(try client.ask("EVAL", "return redis.call('SET', 'k', 'w')", "0") == "+OK")
    server.stop()
  }

  @Test(arguments: [
    ["KEYS", "*nothing"], ["DBSIZE"], ["SORT", "set", "BY", "none:*"], ["SINTERCARD", "1", "set"],
  ])
  func `walks in an EXEC have that time together`(walk: [String]) throws {
    let server = try TestServer { $0.scriptMilliseconds = 100 }
    let client = try server.client()
    let names = (0..<1_000).map { "k\($0)" }
    #expect(try client.ask(["MSET"] + names.flatMap { [$0, "v"] }) == "+OK")
    #expect(try client.ask(["SADD", "set"] + names) == ":1000")
    let walks = [[String]](repeating: walk, count: 5_000)
    let reply = try Self.run([["SET", "k", "v"]] + walks, client)
    #expect(reply.hasPrefix(Self.tooLong), "\(reply.prefix(300))")
    #expect(try client.ask("GET", "k") == "nil")
    server.stop()
  }

  @Test func `one command that walks for too long is undone`() throws {
    let server = try TestServer()
    let client = try server.client()
    try Self.addMembers(client) { _ in "set" }
    #expect(try client.line("CONFIG SET busy-reply-threshold 1") == "+OK")
    for command in [
      ["SUNIONSTORE", "target", "set"],
      ["EVAL", "return redis.call('SUNIONSTORE', 'target', 'set')", "0"],
    ] {
      let reply = try client.ask(command)
      #expect(reply.contains("was stopped because it ran for more than 1 milliseconds"), "\(reply)")
      #expect(try client.ask("EXISTS", "target") == ":0")
    }
    #expect(try client.ask("SET", "k", "v") == "+OK")
    server.stop()
  }

  /// The story: of these nothing asked for the time.
  @Test(arguments: [
    ["MSET"], ["MSETNX"], ["HSET", "hash"], ["SADD", "set"], ["SREM", "members"],
    ["HDEL", "fields"],
    ["KV.BATCH"],
  ])
  func `one command with many arguments is undone`(command: [String]) throws {
    let server = try TestServer { $0.scriptMilliseconds = 1 }
    let client = try server.client()
    let names = (0..<40_000).map { "name:\($0)" }
    for start in stride(from: 0, to: names.count, by: 1_000) {
      let some = names[start..<start + 1_000]
      switch command[0] {
      case "SREM": #expect(try client.ask(["SADD", "members"] + some) == ":1000")
      case "HDEL":
        #expect(try client.ask(["HSET", "fields"] + some.flatMap { [$0, "v"] }) == ":1000")
      default: break
      }
    }
    let before = try client.ask("DBSIZE")
    let arguments =
      switch command[0] {
      case "MSET", "MSETNX", "HSET": names.flatMap { [$0, "v"] }
      case "KV.BATCH": names.flatMap { ["SET", $0, "v"] }
      default: names
      }
    let reply = try client.ask(command + arguments)
    #expect(
      reply.hasPrefix("-ERR the command was stopped because it ran for more than 1 milliseconds"),
      "\(reply.prefix(300))")
    #expect(try client.ask("DBSIZE") == before)
    if command[0] == "SREM" { #expect(try client.ask("SCARD", "members") == ":40000") }
    if command[0] == "HDEL" { #expect(try client.ask("HLEN", "fields") == ":40000") }
    server.stop()
  }

  @Test func `the keys that an EXEC watches are a part of its time`() throws {
    let server = try TestServer { $0.scriptMilliseconds = 1 }
    let client = try server.client()
    #expect(try client.ask(["WATCH"] + (0..<20_000).map { "k\($0)" }) == "+OK")
    let reply = try Self.run([["SET", "k", "v"]], client)
    #expect(
      reply.hasPrefix(
        "-EXECABORT Transaction discarded because of: ERR the transaction was stopped"),
      "\(reply.prefix(300))")
    #expect(try client.ask("GET", "k") == "nil")
    #expect(try Self.run([["SET", "k", "v"]], client) == "[+OK]")
    server.stop()
  }

  @Test func `DEBUG SLEEP has no more time in an EXEC than any command`() throws {
    let server = try TestServer {
      $0.scriptMilliseconds = 100
      $0.debugCommands = .yes
    }
    let client = try server.client()
    let reply = try Self.run([["SET", "k", "v"], ["DEBUG", "SLEEP", "86400"]], client)
    #expect(reply.hasPrefix(Self.tooLong), "\(reply.prefix(300))")
    #expect(try client.ask("GET", "k") == "nil")
    server.stop()
  }

  @Test func `MEMORY STATS does not end the limit of what follows it`() throws {
    let server = try TestServer()
    let client = try server.client()
    let sets = try Self.addMembers(client) { "set:\($0)" }
    #expect(try client.line("CONFIG SET busy-reply-threshold 100") == "+OK")
    let reply = try Self.run([["MEMORY", "STATS"], ["SUNIONSTORE", "target"] + sets], client)
    #expect(reply.hasPrefix(Self.tooLong), "\(reply)")
    #expect(try client.ask("EXISTS", "target") == ":0")
    #expect(try client.ask("MEMORY", "STATS").contains("$keys.count :10"))
    server.stop()
  }

  /// What is absent, or there already, adds nothing to a batch, whose limit bounds the rest.
  @Test(arguments: [
    ["DEL"], ["UNLINK"], ["HDEL", "map"], ["SREM", "set"], ["SADD", "set"], ["SMISMEMBER", "set"],
  ])
  func `a command that changes nothing has that time too`(command: [String]) throws {
    let server = try TestServer { $0.scriptMilliseconds = 1 }
    let client = try server.client()
    #expect(try client.ask("SADD", "set", "here") == ":1")
    #expect(try client.ask("HSET", "map", "here", "v") == ":1")
    let isThere = command[0] == "SADD"
    let names = (0..<60_000).map { isThere ? "here" : "absent:\($0)" }
    let reply = try Self.run([command + names], client)
    #expect(
      reply.contains("was stopped because it ran for more than 1 milliseconds"),
      "\(reply.prefix(300))")
    server.stop()
  }

  @Test func `an EXEC whose reply is too large writes nothing`() throws {
    let server = try TestServer { $0.clientMemoryByteCount = Server.leastClientMemoryByteCount }
    let client = try server.client()
    #expect(try client.ask("SET", "v", String(repeating: "v", count: 1 << 20)) == "+OK")
    let reads = [[String]](repeating: ["GET", "v"], count: 300)
    let reply = try Self.run([["SET", "k", "v"]] + reads + [["SET", "l", "v"]], client)
    #expect(
      reply.hasPrefix("-EXECABORT Transaction discarded because of: "), "\(reply.prefix(300))")
    #expect(reply.contains("nothing was written"), "\(reply.prefix(300))")
    #expect(try client.ask("MGET", "k", "l") == "[nil nil]")
    server.stop()
  }

  @Test func `an EXEC whose reply is over the client's hard limit writes nothing and closes`()
    throws
  {
    let server = try TestServer {
      $0.outputLimits.normal = OutputLimits.Limit(hard: 5_000, soft: 0, softSeconds: 0)
    }
    let client = try server.client()
    #expect(try client.ask("SET", "v", String(repeating: "v", count: 1000)) == "+OK")
    client.send(
      (["MULTI", "SET k v"] + [String](repeating: "GET v", count: 10) + ["EXEC"]).flatMap {
        TestClient.encode($0.split(separator: " ").map(String.init))
      })
    #expect(try client.reply() == "+OK")
    while let reply = try? client.reply() { #expect(reply == "+QUEUED") }
    #expect(try server.client().ask("GET", "k") == "nil")
    server.stop()
  }

  @Test func `a stop ends an EXEC that is under way`() throws {
    let begun = Begun()
    let server = try TestServer {
      $0.scriptMilliseconds = 60_000
      $0.log = { if $0.contains("has begun") { begun.set() } }
    }
    let client = try server.client()
    let script =
      "redis.call('SET', 'k', 'v') redis.log(redis.LOG_NOTICE, 'has begun') while true do end"
    #expect(try client.ask("MULTI") == "+OK")
    #expect(try client.ask("EVAL", script, "0") == "+QUEUED")
    client.send(TestClient.encode(["EXEC"]))
    begun.wait()
    server.stop()
    let reply = try client.reply()
    #expect(
      reply.hasPrefix("-EXECABORT") && reply.contains("the server is shutting down"), "\(reply)")
    let restarted = try server.restarted()
    #expect(try restarted.client().ask("GET", "k") == "nil")
    restarted.stop()
  }
}

/// Set once from a thread of the server's.
private final class Begun: Sendable {
  private let flag = Atomic<Bool>(false)

  func set() { flag.store(true, ordering: .releasing) }

  func wait() { while !flag.load(ordering: .acquiring) { usleep(1000) } }
}
