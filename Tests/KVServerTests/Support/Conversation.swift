import Testing

/// Commands and the replies they must get, in order, on one connection to an empty store.
struct Conversation: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let lines: [(command: String, reply: String)]

  init(_ name: String, _ lines: [(String, String)]) {
    testDescription = name
    self.lines = lines
  }

  func run() throws {
    let server = try TestServer()
    let client = try server.client()
    for line in lines {
      #expect(try client.line(line.command) == line.reply, "\(line.command)")
    }
  }
}
