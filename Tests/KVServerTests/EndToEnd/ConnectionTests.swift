import KVStore
import Testing

@testable import KVServer

struct ConnectionTests {
  @Test func `QUIT is answered and what follows it is not`() throws {
    let server = try TestServer()
    let client = try server.client()
    client.send("SET a 1\r\nQUIT\r\nPING\r\n")
    #expect(try client.reply() == "+OK")
    #expect(try client.reply() == "+OK")
    #expect(client.isClosedByServer())
  }

  @Test func `a client that has ended sending still gets its replies`() throws {
    let server = try TestServer()
    let client = try server.client()
    client.send("SET a 1\r\nGET a\r\n")
    client.endSending()
    #expect(try client.reply() == "+OK")
    #expect(try client.reply() == "$1")
    #expect(client.isClosedByServer())
  }

  @Test func `a pipeline whose replies outgrow every buffer is answered in order`() throws {
    let server = try TestServer()
    let client = try server.client()
    let value = String(repeating: "v", count: 100_000)
    #expect(try client.ask("SET", "big", value) == "+OK")
    client.send(
      (0..<200).flatMap {
        TestClient.encode(["GET", "big"]) + TestClient.encode(["PING", "\($0)"])
      })
    for number in 0..<200 {
      #expect(try client.reply() == "$" + value)
      #expect(try client.reply() == "$\(number)")
    }
  }

  @Test func `a client that does not read is cut off and the others are served`() throws {
    let server = try TestServer { $0.stallTimeoutSeconds = 0 }
    let client = try server.client()
    let value = String(repeating: "v", count: 1_000_000)
    #expect(try client.ask("SET", "big", value) == "+OK")
    client.send((0..<200).flatMap { _ in TestClient.encode(["GET", "big"]) })
    let other = try server.client()
    var listed = "2"
    while listed != "1" {
      let info = try other.ask("INFO", "clients")
      listed = String(info.split(separator: ":")[1].prefix { $0.isNumber })
    }
    #expect(try other.ask("PING") == "+PONG")
  }

  @Test func `a stop sends the replies under way and closes`() throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.ask("SET", "a", "1") == "+OK")
    server.beginStop()
    #expect(client.isClosedByServer())
    #expect(throws: TestFailure.self) { try server.client() }
  }

  @Test func `many connections come and go`() throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    for _ in 0..<20 {
      let clients = try (0..<20).map { _ in try server.client() }
      for client in clients { client.send("INCR n\r\n") }
      for client in clients { #expect(try client.reply().hasPrefix(":")) }
    }
    #expect(try server.client().ask("GET", "n") == "$400")
  }

  @Test func `a thousand connections are served side by side`() throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    let clients = try (0..<1000).map { _ in try server.client() }
    for round in 1...3 {
      for client in clients { client.send("INCR n\r\nINCR n\r\n") }
      for client in clients {
        for _ in 0..<2 { #expect(try client.reply().hasPrefix(":")) }
      }
      #expect(try clients[0].ask("GET", "n") == "$\(round * 2000)")
    }
  }

  /// One packet holds hundreds of walks over all keys; whoever comes meanwhile gets a turn in between.
  @Test func `slow commands of one client do not keep others waiting`() throws {
    let server = try TestServer()
    let other = try server.client()
    let pairs = (0..<2000).flatMap { ["key:\($0)", "v"] }
    #expect(try other.ask(["MSET"] + pairs) == "+OK")
    let slow = try server.client()
    let count = 500
    slow.send((0..<count).flatMap { _ in TestClient.encode(["KEYS", "*nothing"]) })
    #expect(try slow.reply() == "[]")
    #expect(try other.ask("PING") == "+PONG")
    #expect(slow.receivedLineCount() < count - 1)
    for _ in 1..<count { #expect(try slow.reply() == "[]") }
  }

  @Test func `a client that reads as fast as it is sent to does not keep others waiting`() throws {
    let server = try TestServer()
    let other = try server.client()
    #expect(try other.ask("SET", "big", String(repeating: "v", count: 1 << 20)) == "+OK")
    let greedy = try server.client()
    let count = 300
    try inThreads(2) { number in
      if number == 0 {
        greedy.send((0..<count).flatMap { _ in TestClient.encode(["GET", "big"]) })
        for _ in 0..<count { _ = try greedy.reply() }
        #expect(try greedy.ask("INCR", "order") == ":2")
      } else {
        while try other.ask("INFO", "clients").isEmpty {}
        #expect(try other.ask("INCR", "order") == ":1")
      }
    }
  }

  @Test func `a connection that goes away in mid-command leaves nothing behind`() throws {
    let server = try TestServer()
    let whole = TestClient.encode(["MSET", "a", "1", "b", "2"])
    for length in 1..<whole.count {
      let client = try server.client()
      client.send(Array(whole[..<length]))
      if length % 2 == 0 { client.reset() } else { client.endSending() }
    }
    let client = try server.client()
    while try !client.ask("INFO", "clients").contains("connected_clients:1\r\n") {}
    #expect(try client.ask("DBSIZE") == ":0")
    // In the middle of MULTI, and with replies that nobody will read.
    for _ in 0..<20 {
      let leaver = try server.client()
      leaver.send("SET seen 1\r\nMULTI\r\nSET a 1\r\n")
      leaver.reset()
    }
    while try !client.ask("INFO", "clients").contains("connected_clients:1\r\n") {}
    #expect(try client.ask("EXISTS", "a") == ":0")
  }

  @Test func `commands that arrive byte by byte are answered`() throws {
    let server = try TestServer()
    let client = try server.client()
    let request = TestClient.encode(["SET", "a", "1\r\n2"]) + TestClient.encode(["GET", "a"])
    for byte in request + Array("PING\r\n".utf8) { client.send([byte]) }
    for reply in ["+OK", "$1\r\n2", "+PONG"] { #expect(try client.reply() == reply) }
  }

  @Test func `an idle connection stays while one that does not read is cut off`() throws {
    let server = try TestServer { $0.stallTimeoutSeconds = 0 }
    let idle = try server.client()
    #expect(try idle.ask("PING") == "+PONG")
    let value = String(repeating: "v", count: 1_000_000)
    let stalled = try server.client()
    #expect(try stalled.ask("SET", "big", value) == "+OK")
    stalled.send((0..<200).flatMap { _ in TestClient.encode(["GET", "big"]) })
    let other = try server.client()
    while try !other.ask("INFO", "clients").contains("connected_clients:2\r\n") {}
    #expect(try idle.ask("PING") == "+PONG")
    #expect(try idle.ask("CONFIG", "GET", "timeout") == "[$timeout $0]")
  }
}
