import Testing

@testable import KVServer

struct MonitorTests {
  @Test func `a monitor is told of what is carried out, on every thread`() throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    let monitor = try server.client()
    #expect(try monitor.line("MONITOR") == "+OK")
    let clients = try [server.client(), server.client()]
    for client in clients {
      _ = try client.ask([Array("SET".utf8), [0x61, 0x0A, 0x22, 0xFF], Array("x y".utf8)])
      let line = try monitor.reply()
      #expect(line.hasPrefix("+") && line.contains(" [0 127.0.0.1:"))
      #expect(line.hasSuffix("] \"SET\" \"a\\n\\\"\\xff\" \"x y\""), "\(line)")
    }
    let client = clients[0]
    for line in ["NONSENSE", "GET", "CONFIG GET port", "AUTH secret", "MULTI", "INCR n", "EXEC"] {
      _ = try client.line(line)
    }
    _ = try client.line("PING last")
    var lines: [String] = []
    while lines.last?.hasSuffix("\"last\"") != true { lines.append(try monitor.reply()) }
    let told = lines.map { String($0.drop { $0 != "]" }.dropFirst(2)) }
    #expect(!lines.contains { $0.contains("secret") })
    #expect(
      told.filter { !$0.hasPrefix("\"AUTH\"") }
        == ["\"MULTI\"", "\"INCR\" \"n\"", "\"EXEC\"", "\"PING\" \"last\""])
  }

  @Test
  func `a monitor is cut off by a line that is longer than it may be, and told of all others`()
    throws
  {
    let server = try TestServer()
    let (first, second) = (try server.client(), try server.client())
    let client = try server.client()
    #expect(try first.line("MONITOR") == "+OK")
    // Each of these bytes is told as four.
    func set(_ count: Int) throws {
      let command = [Array("SET".utf8), [0x61], [UInt8](repeating: 0, count: count)]
      #expect(try client.ask(command) == "+OK")
    }
    try set(1_000_000)
    #expect(
      try first.reply().hasSuffix(
        " \"SET\" \"a\" \"\(String(repeating: "\\x00", count: 1_000_000))\""))
    try set(1_100_000)
    #expect(first.isClosedByServer())
    #expect(try second.line("MONITOR") == "+OK")
    try set(1)
    #expect(try second.reply().hasSuffix(" \"SET\" \"a\" \"\\x00\""))
  }

  @Test func `a monitor that does not read is cut off, and holds nobody up`() throws {
    let server = try TestServer()
    let monitor = try server.client()
    #expect(try monitor.line("MONITOR") == "+OK")
    let client = try server.client()
    #expect(
      try client.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1000000 0 0") == "+OK")
    let value = String(repeating: "v", count: 100_000)
    while try !client.line("INFO clients").contains("connected_clients:1\r\n") {
      #expect(try client.ask("SET", "a", value) == "+OK")
    }
  }
}
