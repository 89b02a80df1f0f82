import Testing

/// Commands and the replies they must get, in order, on one connection to an empty store.
struct Conversation: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let lines: [(command: String, reply: String)]
  /// Whether the connection speaks RESP3 from the beginning.
  let isRESP3: Bool

  init(_ name: String, _ lines: [(String, String)], isRESP3: Bool = false) {
    testDescription = name
    self.lines = lines
    self.isRESP3 = isRESP3
  }

  func run() throws {
    let server = try TestServer()
    let client = try server.client()
    if isRESP3 { _ = try client.line("HELLO 3") }
    for line in lines {
      #expect(try client.line(line.command) == line.reply, "\(line.command)")
    }
  }
}
