import Glibc
import Testing

@testable import KVServer

/// Each limit on what a client may take, under the name of its setting.
struct LimitTests {
  private func large(_ byteCount: Int) -> String { String(repeating: "v", count: byteCount) }

  @Test func `client-query-buffer-limit cuts off who sends more`() throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.line("CONFIG SET client-query-buffer-limit 1mb") == "+OK")
    let greedy = try server.client()
    greedy.send("*2\r\n$4\r\nECHO\r\n$3000000\r\n" + large(2_000_000))
    #expect(greedy.isClosedByServer())
    #expect(try client.line("PING") == "+PONG")
  }

  @Test func `proto-max-bulk-len refuses a larger argument, of connections made before too`() throws
  {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.ask("ECHO", large(1_100_000)).count == 1_100_001)
    #expect(try client.line("CONFIG SET proto-max-bulk-len 1mb") == "+OK")
    client.send("*2\r\n$4\r\nECHO\r\n$1048577\r\n")
    #expect(try client.reply() == "-ERR Protocol error: invalid bulk length")
    #expect(client.isClosedByServer())
  }

  @Test func `the hard limit of client-output-buffer-limit cuts off who does not read`() throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.ask("SET", "a", large(1_000_000)) == "+OK")
    #expect(try client.line("CONFIG SET client-output-buffer-limit") != "+OK")
    #expect(
      try client.ask("CONFIG", "SET", "client-output-buffer-limit", "normal 500000 0 0") == "+OK")
    let stalled = try server.client()
    stalled.send((0..<50).flatMap { _ in TestClient.encode(["GET", "a"]) })
    while try !client.line("INFO clients").contains("connected_clients:1\r\n") {}
    #expect(try client.line("PING") == "+PONG")
  }

  @Test func `the soft limit cuts off who stays above it for its seconds`() throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.ask("SET", "a", large(1_000_000)) == "+OK")
    #expect(
      try client.ask("CONFIG", "SET", "client-output-buffer-limit", "normal 0 1000 1") == "+OK")
    let stalled = try server.client()
    stalled.send((0..<50).flatMap { _ in TestClient.encode(["GET", "a"]) })
    while try !client.line("INFO clients").contains("connected_clients:1\r\n") {}
    #expect(try client.line("PING") == "+PONG")
  }

  @Test func `beyond maxmemory what may need memory is refused, and everything else goes on`()
    throws
  {
    let server = try TestServer()
    let client = try server.client()
    let writer = try server.client()
    let refusal = "OOM command not allowed when used memory > 'maxmemory'."
    #expect(try writer.line("SET a 1") == "+OK")
    #expect(try writer.line("MULTI") == "+OK")
    #expect(try writer.line("SET b 1") == "+QUEUED")
    #expect(try client.line("CONFIG SET maxmemory 1") == "+OK")
    #expect(
      try writer.line("EXEC") == "-EXECABORT Transaction discarded because of: " + refusal)
    #expect(try writer.line("SET a 2") == "-" + refusal)
    #expect(try writer.line("MULTI") == "+OK")
    #expect(try writer.line("HSET h f v") == "-" + refusal)
    #expect(try writer.line("EXEC").hasPrefix("-EXECABORT"))
    #expect(try writer.line("GET a") == "$1")
    #expect(try writer.line("DEL a") == ":1")
    #expect(try client.line("CONFIG SET maxmemory 1000gb") == "+OK")
    #expect(try writer.line("SET a 2") == "+OK")
    #expect(try client.line("CONFIG SET maxmemory 0") == "+OK")
    #expect(try writer.line("SET a 3") == "+OK")
  }

  @Test func `maxclients refuses more connections, and can be raised`() throws {
    let server = try TestServer { $0.clientLimit = 1 }
    let client = try server.client()
    #expect(try client.line("PING") == "+PONG")
    let refused = try server.client()
    #expect(try refused.reply() == "-ERR max number of clients reached")
    #expect(refused.isClosedByServer())
    #expect(try client.line("CONFIG SET maxclients 2") == "+OK")
    #expect(try server.client().line("PING") == "+PONG")
    #expect(try client.line("INFO stats").contains("rejected_connections:1\r\n"))
  }

  @Test func `timeout cuts off who is idle, and not who watches`() throws {
    let server = try TestServer()
    let client = try server.client()
    let monitor = try server.client()
    #expect(try monitor.line("MONITOR") == "+OK")
    let idle = try server.client()
    #expect(try idle.line("PING") == "+PONG")
    #expect(try client.line("CONFIG SET timeout 1") == "+OK")
    // It returns when the server has closed the connection; the other two were as idle meanwhile.
    #expect(idle.isClosedByServer())
    #expect(try monitor.reply().contains("\"PING\""))
  }

  @Test func `client-request-timeout cuts off who does not send the rest of a request`() throws {
    let server = try TestServer { $0.requestTimeoutSeconds = 1 }
    let slow = try server.client()
    slow.send("*2\r\n$4\r\nECHO\r\n$10\r\nhal")
    let client = try server.client()
    #expect(try client.line("PING") == "+PONG")
    #expect(slow.isClosedByServer())
    #expect(try client.line("PING") == "+PONG")
  }

  @Test func `who sends one request behind the other has time for each of them`() throws {
    let server = try TestServer { $0.requestTimeoutSeconds = 1 }
    let busy = try server.client()
    let stuck = try server.client()
    stuck.send("*1\r\n$4\r\nPI")
    // Part of a request is there all the time, but never of the same for long.
    let request = TestClient.encode(["PING"])
    busy.send(Array(request.dropLast(3)))
    while !stuck.isClosedAlready() {
      busy.send(Array(request.suffix(3) + request.dropLast(3)))
      #expect(try busy.reply() == "+PONG")
    }
    busy.send(Array(request.suffix(3)))
    #expect(try busy.reply() == "+PONG")
  }

  @Test func `many small replies to who reads do not come to the hard limit`() throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.ask("SET", "a", large(1000)) == "+OK")
    #expect(
      try client.ask("CONFIG", "SET", "client-output-buffer-limit", "normal 8000 0 0") == "+OK")
    client.send((0..<100).flatMap { _ in TestClient.encode(["GET", "a"]) })
    for _ in 0..<100 { #expect(try client.reply().count == 1001) }
  }

  @Test func `maxmemory-clients is settable down to its least`() throws {
    let server = try TestServer()
    let client = try server.client()
    let least = Server.leastClientMemoryByteCount
    #expect(try client.line("CONFIG SET maxmemory-clients \(least)") == "+OK")
    #expect(
      try client.line("CONFIG SET maxmemory-clients \(least - 1)").hasSuffix(
        "argument must be between \(least) and 9223372036854775807 inclusive"))
  }

  @Test func `a client in WAIT forever holds nothing once it is gone`() throws {
    let server = try TestServer()
    let client = try server.client()
    let waiting = try server.client()
    waiting.send("WAIT 1 0\r\n")
    while try !client.line("INFO clients").contains("connected_clients:2\r\n") {}
    waiting.reset()
    while try !client.line("INFO clients").contains("connected_clients:1\r\n") {}
  }
}
