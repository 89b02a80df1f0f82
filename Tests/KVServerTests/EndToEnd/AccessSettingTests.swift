import Testing

@testable import KVServer

/// Passwords, users and ACL LOG, as settings.
struct AccessSettingTests {
  @Test func `requirepass is the password of the default user`() throws {
    let server = try TestServer()
    let admin = try server.client()
    #expect(try admin.line("CONFIG GET requirepass") == "[$requirepass $]")
    #expect(try admin.line("CONFIG SET requirepass secret") == "+OK")
    #expect(try admin.line("CONFIG GET requirepass") == "[$requirepass $secret]")
    #expect(try admin.line("PING") == "+PONG")
    let client = try server.client()
    #expect(try client.line("PING") == "-NOAUTH Authentication required.")
    #expect(try client.line("AUTH wrong").hasPrefix("-WRONGPASS"))
    #expect(try client.line("AUTH secret") == "+OK")
    #expect(try client.line("CONFIG SET requirepass other") == "+OK")
    #expect(try client.line("AUTH secret").hasPrefix("-WRONGPASS"))
    #expect(try client.line("AUTH other") == "+OK")
    #expect(try client.ask("CONFIG", "SET", "requirepass", "") == "+OK")
    #expect(try server.client().line("PING") == "+PONG")
    #expect(try server.client().line("AUTH other").hasPrefix("-ERR AUTH <password> called"))
  }

  /// Hashing one of 60 MB held the I/O thread for seconds, before it was known who had sent it.
  @Test func `a password has a length that is hashed at once`() throws {
    let server = try TestServer()
    let admin = try server.client()
    let longest = String(repeating: "p", count: 4096)
    let refusal = "password of 4097 bytes is too long: use at most 4096 bytes"
    #expect(try admin.ask("ACL", "SETUSER", "ann", "on", "+@all", ">" + longest) == "+OK")
    for sign in [">", "<"] {
      #expect(
        try admin.ask("ACL", "SETUSER", "ann", sign + longest + "p").hasSuffix("The " + refusal))
    }
    #expect(
      try admin.ask("CONFIG", "SET", "requirepass", longest + "p").hasSuffix(
        "must be at most 4096 bytes long"))
    let client = try server.client()
    #expect(try client.ask("AUTH", "ann", longest + "p") == "-ERR " + refusal)
    #expect(try client.ask("HELLO", "3", "AUTH", "ann", longest + "p") == "-ERR " + refusal)
    #expect(try client.ask("AUTH", "ann", longest) == "+OK")
    #expect(try admin.ask("CONFIG", "SET", "requirepass", longest) == "+OK")
    #expect(try client.ask("AUTH", longest) == "+OK")
    server.stop()
  }

  @Test func `who has not logged in can send no more than a login needs`() throws {
    let server = try TestServer { $0.access.password = "secret" }
    for (request, refusal) in [
      ("*11\r\n", "multibulk"), ("*100000\r\n", "multibulk"),
      ("*11\r\n" + String(repeating: "$4\r\nPING\r\n", count: 11), "multibulk"),
      ("*2\r\n$4\r\nAUTH\r\n$16385\r\n", "bulk"), ("*1\r\n$100000000\r\n", "bulk"),
    ] {
      let client = try server.client()
      client.send(request)
      #expect(try client.reply() == "-ERR Protocol error: unauthenticated \(refusal) length")
      #expect(client.isClosedByServer())
    }
    let client = try server.client()
    let long = String(repeating: "x", count: 16384)
    #expect(try client.ask("AUTH", long).hasPrefix("-ERR password of 16384 bytes is too long"))
    #expect(try client.line("AUTH secret") == "+OK")
    #expect(try client.ask(["MSET", "a", long + long] + (0..<10).map(String.init)) == "+OK")
  }

  @Test func `a change that fails leaves the password as it was`() throws {
    let server = try TestServer()
    let admin = try server.client()
    #expect(try admin.line("CONFIG SET requirepass secret timeout x").hasPrefix("-ERR CONFIG SET"))
    #expect(try admin.line("CONFIG GET requirepass") == "[$requirepass $]")
    #expect(try server.client().line("PING") == "+PONG")
  }

  @Test func `requests without a password are counted as rejected, and their errors once`() throws {
    let server = try TestServer { $0.access.password = "secret" }
    let client = try server.client()
    #expect(try client.line("GET a") == "-NOAUTH Authentication required.")
    #expect(try client.line("AUTH secret") == "+OK")
    let info = try client.line("INFO everything")
    #expect(info.contains("\r\ncmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,"))
    #expect(info.contains("\r\nerrorstat_NOAUTH:count=1\r\n"))
    #expect(info.contains("\r\ntotal_error_replies:1\r\n"))
  }

  @Test func `acllog-max-len shortens ACL LOG at once`() throws {
    let server = try TestServer()
    let admin = try server.client()
    for user in ["a", "b", "c"] { _ = try admin.line("AUTH \(user) x") }
    #expect(try admin.line("CONFIG SET acllog-max-len 1") == "+OK")
    let log = try admin.line("ACL LOG")
    #expect(log.contains("$username $c ") && !log.contains("$username $b "))
    #expect(
      try admin.line("CONFIG SET aclfile x")
        == "-ERR CONFIG SET failed (possibly related to argument 'aclfile') - can't set immutable config"
    )
  }

  @Test func `a file sets passwords and users' file`() throws {
    let directory = TestDirectory()
    let path = try directory.write(
      "kvd.conf", "requirepass \"a b\"\naclfile /x/users\nprotected-mode no\nacllog-max-len 7\n")
    let access = try CommandLineOptions.parse([path]).access
    var expected = AccessOptions()
    expected.password = "a b"
    expected.userFile = "/x/users"
    expected.isProtected = false
    expected.logLength = 7
    #expect(access == expected)
  }
}
