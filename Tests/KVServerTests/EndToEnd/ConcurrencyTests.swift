import KVStore
import Testing

@testable import KVServer

struct ConcurrencyTests {
  @Test(arguments: [1, 2]) func `WATCH and EXEC under contention lose no update`(
    ioThreadCount: Int
  ) throws {
    let server = try TestServer.small { $0.ioThreadCount = ioThreadCount }
    #expect(try server.client().ask("MSET", "counter", "0", "{x}twin", "0") == "+OK")
    let threadCount = 8
    try inThreads(threadCount) { _ in
      let client = try server.client()
      var done = 0
      while done < 40 {
        _ = try client.ask("WATCH", "counter")
        let value = Int(try client.ask("GET", "counter").dropFirst()) ?? -1
        client.send("MULTI\r\nSET counter \(value + 1)\r\nINCR {x}twin\r\nEXEC\r\n")
        for _ in 0..<3 { _ = try client.reply() }
        if try client.reply() != "nil" { done += 1 }
      }
    }
    let expected = "$\(threadCount * 40)"
    #expect(try server.client().ask("MGET", "counter", "{x}twin") == "[\(expected) \(expected)]")
  }

  @Test func `INCR from many clients counts every one`() throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    try inThreads(8) { _ in
      let client = try server.client()
      for _ in 0..<10 {
        client.send((0..<20).flatMap { _ in TestClient.encode(["INCR", "n"]) })
        for _ in 0..<20 { _ = try client.reply() }
      }
    }
    #expect(try server.client().ask("GET", "n") == "$1600")
  }

  /// Large values in a small store: memtables are sealed, applied and dropped between and during the
  /// reads.
  @Test(arguments: [1, 2]) func `MGET, EXEC and scans never see half of an MSET`(
    ioThreadCount: Int
  ) throws {
    let server = try TestServer.small { $0.ioThreadCount = ioThreadCount }
    let keys = (0..<10).map { "key:\($0)" }
    let filler = String(repeating: ".", count: 20_000)
    @Sendable func pairs(_ round: Int) -> [String] { keys.flatMap { [$0, "\(round)" + filler] } }
    #expect(try server.client().ask(["MSET"] + pairs(0)) == "+OK")
    let roundCount = 200
    try inThreads(4) { number in
      let client = try server.client()
      if number == 0 {
        for round in 1...roundCount { #expect(try client.ask(["MSET"] + pairs(round)) == "+OK") }
        return
      }
      var newest = -1
      while newest < roundCount {
        let reply: String
        switch number {
        case 1: reply = try client.ask(["MGET"] + keys)
        case 2:
          client.send("MULTI\r\n" + keys.map { "GET \($0)\r\n" }.joined() + "EXEC\r\n")
          for _ in 0...keys.count { _ = try client.reply() }
          reply = try client.reply()
        default: reply = try client.ask("KV.PREFIX", "key:")
        }
        let values = reply.split(separator: "$").compactMap { Int($0.prefix { $0 != "." }) }
        #expect(values.count == keys.count && Set(values).count == 1, "half of a batch")
        #expect(values[0] >= newest, "older than what was seen before")
        newest = values[0]
      }
    }
    #expect(try server.store.statistics().storedEntryCount > 0)
  }

  @Test func `a pipelined GET sees the SET before it`() throws {
    let server = try TestServer()
    let client = try server.client()
    for round in 0..<50 {
      let value = String(round)
      client.send(
        TestClient.encode(["SET", "a", value]) + TestClient.encode(["GET", "a"])
          + TestClient.encode(["MGET", "a", "b"]) + TestClient.encode(["DEL", "a"])
          + TestClient.encode(["EXISTS", "a"]) + TestClient.encode(["SET", "a", "x"])
          + TestClient.encode(["KV.RANGE", "-", "+"]))
      let expected = ["+OK", "$" + value, "[$\(value) nil]", ":1", ":0", "+OK", "[$a $x]"]
      for reply in expected { #expect(try client.reply() == reply) }
    }
  }
}
