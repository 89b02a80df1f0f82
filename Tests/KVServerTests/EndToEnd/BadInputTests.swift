import KVStore
import Testing

@testable import KVServer

struct BadInputTests {
  @Test(arguments: [
    ("*x\r\n", "-ERR Protocol error: invalid multibulk length"),
    ("*1048577\r\n", "-ERR Protocol error: invalid multibulk length"),
    ("*1\r\nxoo\r\n", "-ERR Protocol error: expected '$', got 'x'"),
    ("*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length"),
    ("*1\r\n$99999999999\r\n", "-ERR Protocol error: invalid bulk length"),
    (
      "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$68157441\r\n",
      "-ERR Protocol error: argument of 68157441 bytes exceeds the limit of 68157440 bytes"
    ),
    ("SET a \"b\r\n", "-ERR Protocol error: unbalanced quotes in request"),
  ])
  func `malformed input gets its error, then the connection closes`(
    input: String, error: String
  ) throws {
    try expect(error, from: input)
  }

  @Test func `a line that never ends is refused, then the connection closes`() throws {
    let line = String(repeating: "a", count: 70_000)
    try expect("-ERR Protocol error: too big inline request", from: line)
    try expect("-ERR Protocol error: too big mbulk count string", from: "*" + line)
    try expect("-ERR Protocol error: too big bulk count string", from: "*1\r\n$" + line)
  }

  private func expect(_ error: String, from input: String) throws {
    let server = try TestServer()
    let client = try server.client()
    client.send("PING\r\n" + input)
    #expect(try client.reply() == "+PONG")
    #expect(try client.reply() == error)
    #expect(client.isClosedByServer())
    #expect(try server.client().ask("PING") == "+PONG")
  }

  @Test func `a key over the limit is refused and the connection stays`() throws {
    let server = try TestServer()
    let client = try server.client()
    let longest = String(repeating: "k", count: Limits.keyByteCount)
    #expect(try client.ask("SET", longest, "v") == "+OK")
    #expect(try client.ask("GET", longest) == "$v")
    for command in [
      ["SET", longest + "k", "v"], ["GET", longest + "k"],
      ["MSET", "a", "1", longest + "k", "v"], ["INCR", longest + "k"], ["DEL", longest + "k"],
      ["KV.BATCH", "SET", "a", "1", "SET", longest + "k", "v"], ["WATCH", longest + "k"],
    ] {
      #expect(try client.ask(command).hasPrefix("-ERR "), "\(command[0])")
    }
    #expect(try client.ask("EXISTS", "a") == ":0")
    #expect(try client.ask("PING") == "+PONG")
  }

  @Test func `a value over the limit is refused and the connection stays`() throws {
    let server = try TestServer()
    let client = try server.client()
    let largest = [UInt8](repeating: 0x61, count: Limits.valueByteCount)
    let set = Array("SET".utf8)
    let refused = try client.ask([set, [0x6B], largest + [0x61]])
    #expect(refused.hasPrefix("-ERR ") && refused.contains("\(Limits.valueByteCount)"))
    #expect(try client.ask("GET", "k") == "nil")
    #expect(try client.ask([Array("APPEND".utf8), [0x6B], [0x61]]) == ":1")
    #expect(
      try client.ask([Array("APPEND".utf8), [0x6B], largest])
        == "-ERR string exceeds maximum allowed size (proto-max-bulk-len)")
    #expect(try client.ask("GET", "k") == "$a")
  }

  @Test func `a transaction larger than a batch is refused`() throws {
    let server = try TestServer()
    let client = try server.client()
    let half = [UInt8](repeating: 0x61, count: Limits.batchByteCount / 2)
    let set = Array("SET".utf8)
    #expect(try client.ask("MULTI") == "+OK")
    #expect(try client.ask([set, [0x61], half]) == "+QUEUED")
    #expect(try client.ask([set, [0x62], half]).hasPrefix("-ERR the transaction is larger"))
    #expect(
      try client.ask("EXEC") == "-EXECABORT Transaction discarded because of previous errors.")
    #expect(try client.ask("EXISTS", "a", "b") == ":0")
  }

  @Test func `one client too many is told so and the others stay`() throws {
    let server = try TestServer { $0.clientLimit = 2 }
    let first = try server.client()
    let second = try server.client()
    #expect(try first.ask("PING") == "+PONG")
    #expect(try second.ask("PING") == "+PONG")
    let third = try server.client()
    #expect(try third.reply() == "-ERR max number of clients reached")
    #expect(third.isClosedByServer())
    #expect(try first.ask("PING") == "+PONG")
  }

  @Test func `binary keys and values come back as they were`() throws {
    let server = try TestServer()
    let client = try server.client()
    let key: [UInt8] = [0, 13, 10, 36]
    #expect(try client.ask([Array("SET".utf8), key, [10, 13, 0]]) == "+OK")
    #expect(try client.ask([Array("GET".utf8), key]) == "$\n\r\0")
  }

  @Test func `as many arguments as Redis takes are taken, and one more is refused`() throws {
    let server = try TestServer()
    let client = try server.client()
    let count = RequestLimits.argumentCount
    let name = Array("*\(count)\r\n$6\r\nEXISTS\r\n".utf8)
    let argument = Array("$1\r\na\r\n".utf8)
    client.send(name + (1..<count).flatMap { _ in argument })
    #expect(try client.reply() == ":0")
    #expect(try client.ask("SET", "a", "1") == "+OK")
    client.send(name + (1..<count).flatMap { _ in argument })
    #expect(try client.reply() == ":\(count - 1)")
    client.send("*\(count + 1)\r\n")
    #expect(try client.reply() == "-ERR Protocol error: invalid multibulk length")
    #expect(client.isClosedByServer())
  }

  @Test func `many keys in one command are one batch`() throws {
    let server = try TestServer.small()
    let client = try server.client()
    let keys = (0..<20_000).map { "key:\($0)" }
    #expect(try client.ask(["MSET"] + keys.flatMap { [$0, "v"] }) == "+OK")
    #expect(try client.ask("DBSIZE") == ":20000")
    #expect(try client.ask(["MSETNX", "new", "v"] + keys.flatMap { [$0, "v"] }) == ":0")
    #expect(try client.ask(["WATCH"] + keys) == "+OK")
    #expect(try client.ask(["DEL"] + keys + keys) == ":20000")
    #expect(try client.ask("MULTI") == "+OK")
    #expect(try client.ask("SET", "a", "1") == "+QUEUED")
    #expect(try client.ask("EXEC") == "nil")
    #expect(try client.ask("DBSIZE") == ":0")
  }
}
