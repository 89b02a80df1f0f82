import Testing

@testable import KVServer

/// Commands that wait for files of users and of the configuration keep nobody else waiting.
///
/// The story: EXEC of CONFIG REWRITE or ACL SETUSER synced a file while all writers waited for the transaction.
struct SideWorkTests {
  @Test(arguments: [
    ["CONFIG", "REWRITE"], ["ACL", "SETUSER", "u", "on"], ["ACL", "DELUSER", "u"], ["ACL", "SAVE"],
    ["ACL", "LOAD"],
  ])
  func `a transaction takes none of them`(command: [String]) throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.ask("MULTI") == "+OK")
    #expect(try client.ask(command).hasPrefix("-ERR Command not allowed inside a transaction"))
    #expect(
      try client.ask("EXEC") == "-EXECABORT Transaction discarded because of previous errors.")
    server.stop()
  }

  @Test func `what follows in a pipeline waits for them`() throws {
    let server = try TestServer()
    let client = try server.client()
    for round in 0..<20 {
      let name = "user\(round)"
      client.send(
        TestClient.encode(["ACL", "SETUSER", name, "on", "nopass", "+@all", "~*"])
          + TestClient.encode(["AUTH", name, "any"]) + TestClient.encode(["ACL", "WHOAMI"])
          + TestClient.encode(["MEMORY", "PURGE"])
          + TestClient.encode(["ACL", "SETUSER", name, "-acl|setuser", "(x)", "bad"]))
      #expect(try client.reply() == "+OK")
      #expect(try client.reply() == "+OK")
      #expect(try client.reply() == "$\(name)")
      #expect(try client.reply() == "+OK")
      #expect(try client.reply().hasPrefix("-ERR Error in ACL SETUSER modifier"))
    }
    server.stop()
  }

  @Test func `a client that takes its own rights away is told so`() throws {
    let server = try TestServer()
    let admin = try server.client()
    #expect(try admin.ask("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*") == "+OK")
    let client = try server.client(as: "u", "any")
    #expect(try client.ask("ACL", "SETUSER", "u", "-@all") == "+OK")
    #expect(try client.ask("GET", "a").hasPrefix("-NOPERM"))
    #expect(try admin.ask("ACL", "SETUSER", "u", "+@all") == "+OK")
    #expect(try client.ask("ACL", "DELUSER", "u") == ":1")
    #expect(client.isClosedByServer())
    server.stop()
  }

  @Test func `a password that is set while users change is kept`() throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    try inThreads(2) { number in
      let client = try server.client()
      for round in 0..<20 {
        let reply =
          number == 0
          ? try client.ask("ACL", "SETUSER", "u\(round)", "on")
          : try client.ask("CONFIG", "SET", "requirepass", "secret\(round)")
        #expect(reply == "+OK" || reply.hasPrefix("-NOAUTH"))
      }
    }
    let client = try server.client()
    #expect(try client.ask("AUTH", "secret19") == "+OK")
    server.stop()
  }
}
