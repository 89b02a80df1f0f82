import KVStore
import Testing

@testable import KVServer

/// The memory that all clients share is the least that a server takes here: one largest request and as
/// much again.
struct ClientMemoryTests {
  private static let large = 60 << 20

  private static func server() throws -> TestServer {
    try TestServer {
      $0.clientMemoryByteCount = Server.leastClientMemoryByteCount
      $0.ioThreadCount = 2
    }
  }

  /// A SET of `byteCount` bytes, less what follows its first bytes.
  private static func begin(_ client: TestClient, _ key: String, byteCount: Int) {
    client.send("*3\r\n$3\r\nSET\r\n$1\r\n\(key)\r\n$\(byteCount)\r\n")
    // More than one receipt holds, so that room for the rest is asked for.
    client.send([UInt8](repeating: 0x76, count: 70 << 10))
  }

  private static func finish(_ client: TestClient, byteCount: Int) {
    client.send([UInt8](repeating: 0x76, count: byteCount - (70 << 10)))
    client.send("\r\n")
  }

  /// Takes the memory for clients up with requests that are begun and not finished.
  private static func fill(_ server: TestServer) throws -> [TestClient] {
    let holders = try (0..<2).map { _ in try server.client() }
    let other = try server.client()
    for (index, holder) in holders.enumerated() { begin(holder, "\(index)", byteCount: large) }
    while try inUse(other) < 2 * large {}
    return holders
  }

  private static func inUse(_ client: TestClient) throws -> Int {
    let info = try client.ask("INFO", "memory")
    let field = try #require(
      info.split(separator: "\r\n").first { $0.hasPrefix("mem_clients_normal:") })
    return try #require(Int(field.split(separator: ":")[1]))
  }

  @Test func `a large request waits while others take the memory, small ones do not`() throws {
    let server = try Self.server()
    let holders = try Self.fill(server)
    let waiter = try server.client()
    waiter.send(TestClient.encode(["SET", "w", String(repeating: "w", count: 20_000)]))
    #expect(try waiter.reply() == "+OK")
    Self.begin(waiter, "w", byteCount: Self.large)
    let other = try server.client()
    for _ in 0..<50 { #expect(try other.ask("INCR", "n").hasPrefix(":")) }
    #expect(waiter.receivedLineCount() == 0)
    Self.finish(holders[0], byteCount: Self.large)
    #expect(try holders[0].reply() == "+OK")
    Self.finish(waiter, byteCount: Self.large)
    #expect(try waiter.reply() == "+OK")
    Self.finish(holders[1], byteCount: Self.large)
    #expect(try holders[1].reply() == "+OK")
    for key in ["0", "1", "w"] { #expect(try other.ask("STRLEN", key) == ":\(Self.large)") }
    while try Self.inUse(other) > 1 << 20 {}
  }

  @Test func `memory is given back when a connection goes`() throws {
    let server = try Self.server()
    for _ in 0..<3 {
      let holders = try Self.fill(server)
      for holder in holders { holder.reset() }
      let other = try server.client()
      while try Self.inUse(other) > 1 << 20 {}
    }
  }

  @Test func `while memory is full nothing is queued or watched, and replies stay small`() throws {
    let server = try Self.server()
    let client = try server.client()
    let value = String(repeating: "v", count: 200_000)
    #expect(try client.ask("SET", "small", "1") == "+OK")
    #expect(try client.ask("SET", "a", value) == "+OK")
    let queued = try server.client()
    for command in [["MULTI"], ["SET", "b", "1"], ["GETDEL", "a"]] {
      #expect(try queued.ask(command).hasPrefix("+"))
    }
    let holders = try Self.fill(server)
    // The rest of the memory goes to one who queues until it is refused.
    let hog = try server.client()
    #expect(try hog.ask("MULTI") == "+OK")
    let chunk = String(repeating: "c", count: 50_000)
    var reply = ""
    repeat { reply = try hog.ask("SET", "h", chunk) } while reply == "+QUEUED"
    let refusal = "-OOM command not allowed when used memory > 'maxmemory-clients'."
    #expect(reply == refusal)
    #expect(try client.ask("WATCH", "a") == refusal)
    for command in [
      ["GET", "a"], ["GETDEL", "a"], ["GETSET", "a", "1"], ["SET", "a", "1", "GET"],
    ] {
      #expect(try client.ask(command).hasPrefix(refusal))
    }
    #expect(
      try queued.ask("EXEC").hasPrefix(
        "-EXECABORT Transaction discarded because of: " + refusal.dropFirst()))
    #expect(try client.ask("EXISTS", "b") == ":0")
    #expect(try client.ask("GET", "small") == "$1")
    #expect(try client.ask("MULTI") == "+OK")
    #expect(try client.ask("SET", "b", "1") == refusal)
    #expect(
      try client.ask("EXEC") == "-EXECABORT Transaction discarded because of previous errors.")
    #expect(
      try hog.ask("EXEC") == "-EXECABORT Transaction discarded because of previous errors.")
    for holder in holders { holder.reset() }
    while try Self.inUse(client) > 1 << 20 {}
    #expect(try client.ask("GET", "a") == "$" + value)
  }

  /// Requests of many arguments cannot tell in advance how large they are: those that hold memory and
  /// ask for more must not wait for each other.
  @Test func `growing requests that would wait for each other are refused`() throws {
    let server = try Self.server()
    let value = [UInt8](repeating: 0x76, count: 1 << 20)
    try inThreads(4) { number in
      let client = try server.client()
      let arguments =
        [Array("MSET".utf8)] + (0..<60).flatMap { [Array("\(number):\($0)".utf8), value] }
      let reply = try? client.ask(arguments)
      // Refused in mid-request the reply may be lost with the connection.
      #expect(reply == nil || reply == "+OK" || reply!.hasPrefix("-OOM "))
    }
    let client = try server.client()
    #expect(try client.ask("SET", "a", "1") == "+OK")
    for number in 0..<4 {
      let keys = (0..<60).map { "\(number):\($0)" }
      #expect([":0", ":60"].contains(try client.ask(["EXISTS"] + keys)))
    }
    while try Self.inUse(client) > 1 << 20 {}
  }

  @Test func `a request that stays half-sent gives way to others`() throws {
    let server = try TestServer {
      $0.clientMemoryByteCount = Server.leastClientMemoryByteCount
      $0.stallTimeoutSeconds = 0
    }
    let holders = try Self.fill(server)
    let waiter = try server.client()
    Self.begin(waiter, "w", byteCount: Self.large)
    for holder in holders { #expect(holder.isClosedByServer()) }
  }

  @Test func `many half-sent requests cost little`() throws {
    let server = try TestServer()
    let clients = try (0..<500).map { _ in try server.client() }
    for client in clients { client.send("*2\r\n$3\r\nGET\r\n$1000\r\nabc") }
    let other = try server.client()
    #expect(try other.ask("PING") == "+PONG")
    #expect(try Self.inUse(other) < 500 * 2048)
    for client in clients { client.send([UInt8](repeating: 0x6B, count: 997) + [13, 10]) }
    for client in clients { #expect(try client.reply().hasPrefix("-ERR key of 1000 bytes")) }
  }
}
