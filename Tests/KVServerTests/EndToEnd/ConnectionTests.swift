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
}
