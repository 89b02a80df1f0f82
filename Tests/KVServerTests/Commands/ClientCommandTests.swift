import Testing

@testable import KVServer

/// CLIENT over the wire; the replies are those of Redis 7.0.15, checked against one.
struct ClientCommandTests {
  @Test(arguments: [
    Conversation(
      "refusals",
      [
        ("CLIENT", "-ERR wrong number of arguments for 'client' command"),
        ("client foo", "-ERR unknown subcommand 'foo'. Try CLIENT HELP."),
        ("CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command"),
        ("CLIENT KILL x", "-ERR No such client"), ("CLIENT KILL a b", "-ERR syntax error"),
        ("CLIENT KILL ID 0", "-ERR client-id should be greater than 0"),
        ("CLIENT KILL TYPE x", "-ERR Unknown client type 'x'"),
        ("CLIENT KILL USER x", "-ERR No such user 'x'"),
        ("CLIENT KILL SKIPME maybe", "-ERR syntax error"), ("CLIENT KILL ID 99999", ":0"),
        ("CLIENT KILL TYPE pubsub", ":0"), ("CLIENT LIST foo", "-ERR syntax error"),
        ("CLIENT LIST ID x", "-ERR Invalid client ID"), ("CLIENT LIST ID 99999", "$"),
        ("CLIENT LIST TYPE x", "-ERR Unknown client type 'x'"), ("CLIENT LIST TYPE master", "$"),
        ("CLIENT PAUSE x", "-ERR timeout is not an integer or out of range"),
        ("CLIENT PAUSE -1", "-ERR timeout is negative"),
        ("CLIENT PAUSE 1 x", "-ERR CLIENT PAUSE mode must be WRITE or ALL"),
        ("CLIENT UNPAUSE", "+OK"), ("CLIENT UNBLOCK 1", ":0"),
        ("CLIENT UNBLOCK x", "-ERR value is not an integer or out of range"),
        ("CLIENT UNBLOCK 1 x", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"),
        ("CLIENT REPLY x", "-ERR syntax error"), ("CLIENT REPLY ON", "+OK"),
        ("CLIENT NO-EVICT x", "-ERR syntax error"), ("CLIENT NO-EVICT ON", "+OK"),
        ("CLIENT TRACKING OFF", "+OK"),
        (
          "CLIENT TRACKING ON",
          "-ERR CLIENT TRACKING is not supported: kvd does not keep track of what clients have cached"
        ),
        ("CLIENT TRACKINGINFO", "[$flags [$off] $redirect :-1 $prefixes []]"),
        ("CLIENT GETREDIR", ":-1"),
        (
          "CLIENT SETNAME é",
          "-ERR Client names cannot contain spaces, newlines or special characters."
        ),
        ("CLIENT SETNAME me", "+OK"), ("CLIENT GETNAME", "$me"), ("CLIENT SETNAME ", "+OK"),
        ("CLIENT GETNAME", "nil"),
      ])
  ])
  func `commands give Redis's replies and errors`(conversation: Conversation) throws {
    try conversation.run()
  }

  @Test func `CLIENT INFO has the fields of Redis in its order`() throws {
    let server = try TestServer()
    let client = try server.client()
    _ = try client.line("MULTI")
    _ = try client.line("PING")
    let other = try server.client()
    let lines = try other.line("CLIENT LIST").dropFirst().split(separator: "\n")
    #expect(lines.count == 2)
    for line in lines {
      let names = line.split(separator: " ").map { $0.split(separator: "=")[0] }
      #expect(
        names.joined(separator: " ")
          == "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem "
          + "multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver")
    }
    #expect(lines[0].contains(" flags=x ") && lines[0].contains(" multi=1 "))
    #expect(lines[1].contains(" flags=N ") && lines[1].contains(" multi=-1 "))
    #expect(lines[1].contains(" qbuf=26 ") && lines[1].contains(" argv-mem=10 "))
    #expect(lines[1].contains(" cmd=client|list user=default "))
  }

  @Test func `whoever is killed is gone, on whatever thread`() throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    let killer = try server.client()
    for _ in 0..<4 {
      let victim = try server.client()
      let id = String(try victim.line("CLIENT ID").dropFirst())
      #expect(try killer.line("CLIENT KILL ID \(id)") == ":1")
      #expect(victim.isClosedByServer())
      #expect(try killer.line("CLIENT LIST ID \(id)") == "$")
    }
    let own = String(try killer.line("CLIENT ID").dropFirst())
    #expect(try killer.line("CLIENT KILL ID \(own)") == ":0")
    #expect(try killer.line("CLIENT KILL ID \(own) SKIPME no") == ":1")
    #expect(killer.isClosedByServer())
  }

  @Test func `replies are left out as asked and nothing else is`() throws {
    let server = try TestServer()
    let client = try server.client()
    client.send(
      "CLIENT REPLY SKIP\r\nSET a 1\r\nGET a\r\nCLIENT REPLY OFF\r\nSET a 2\r\nNOSUCH\r\nGET\r\n"
        + "CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nGET a\r\nCLIENT REPLY OFF\r\nRESET\r\nGET a\r\n")
    #expect(try (0..<5).map { _ in try client.reply() } == ["$1", "+OK", "$2", "+RESET", "$2"])
  }

  @Test func `a pause holds writes back and lets reads through`() throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    let admin = try server.client()
    let client = try server.client()
    #expect(try admin.line("CLIENT PAUSE 1000000 WRITE") == "+OK")
    #expect(try client.line("GET a") == "nil")
    client.send("SET a 1\r\nGET a\r\n")
    while try !admin.line("INFO clients").contains("blocked_clients:1\r\n") {}
    #expect(try admin.line("GET a") == "nil")
    #expect(client.receivedLineCount() == 0)
    #expect(try admin.line("CLIENT UNPAUSE") == "+OK")
    #expect(try client.reply() == "+OK")
    #expect(try client.reply() == "$1")
    #expect(try admin.line("INFO clients").contains("blocked_clients:0\r\n"))
    // One that ends by itself.
    #expect(try admin.line("CLIENT PAUSE 50 ALL") == "+OK")
    #expect(try client.line("GET a") == "$1")
    // A pause that is over makes no later one stricter.
    #expect(try admin.line("CLIENT PAUSE 0 ALL") == "+OK")
    #expect(try admin.line("CLIENT PAUSE 1000000 WRITE") == "+OK")
    #expect(try client.line("GET a") == "$1")
    // One whose client goes meanwhile.
    let leaving = try server.client()
    leaving.send("MULTI\r\nSET a 2\r\nEXEC\r\n")
    while try !admin.line("INFO clients").contains("blocked_clients:1\r\n") {}
    leaving.reset()
    while try !admin.line("INFO clients").contains("blocked_clients:0\r\n") {}
    #expect(try admin.line("CLIENT UNPAUSE") == "+OK")
    #expect(try admin.line("GET a") == "$1")
  }
}
