import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// Commands that wait for files of users and of the configuration keep nobody else waiting.
///
/// The story: EXEC of CONFIG REWRITE or ACL SETUSER synced a file while all writers waited for the transaction.
struct BackgroundWorkTests {
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

  /// The story: sessions kept the rights of a user that was removed, because the client that had removed it was gone when
  /// the file was written, and its event loop was to tell the others.
  @Test func `a change of users holds although the client that asked for it is gone`() throws {
    let server = try TestServer()
    let path = server.directory.path + "/data/users.acl"
    let admin = try server.client()
    #expect(try admin.ask("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*") == "+OK")
    #expect(try admin.ask("ACL", "SETUSER", "v", "on", "nopass", "+@all", "~*") == "+OK")
    let victim = try server.client(as: "u", "any")
    let other = try server.client(as: "v", "any")
    // The change reads the file before it writes it, and waits there.
    let kept = try #require(try SmallFile.contents(of: path))
    try #require(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
    for command in [["ACL", "DELUSER", "u"], ["ACL", "SETUSER", "v", "-get"]] {
      let leaver = try server.client()
      leaver.send(TestClient.encode(command))
      while try !admin.ask("CLIENT", "LIST").contains("cmd=acl|") { usleep(1_000) }
      usleep(20_000)
      leaver.reset()
    }
    while try admin.ask("INFO", "clients").contains("connected_clients:3") == false {
      usleep(1_000)
    }
    #expect(try victim.ask("PING") == "+PONG")
    let end = open(path, O_WRONLY)
    _ = kept.withUnsafeBytes { write(end, $0.baseAddress, $0.count) }
    close(end)
    #expect(victim.isClosedByServer())
    while try other.ask("GET", "a") == "nil" { usleep(1_000) }
    #expect(try other.ask("GET", "a").hasPrefix("-NOPERM"))
    server.stop()
  }

  /// The story: `redis.call('MEMORY', 'PURGE')` had the script wait, so that it ran again and again, and its client got
  /// the replies of others.
  @Test func `a purge of memory is one reply, wherever it is asked for`() throws {
    let server = try TestServer()
    let client = try server.client()
    let script = "redis.call('INCR', 'n') return redis.call('MEMORY', 'PURGE')"
    for round in 1...20 {
      client.send(
        TestClient.encode(["EVAL", script, "0"]) + TestClient.encode(["ECHO", "\(round)"])
          + TestClient.encode(["MULTI"]) + TestClient.encode(["MEMORY", "PURGE"])
          + TestClient.encode(["EVAL", script, "0"]) + TestClient.encode(["EXEC"])
          + TestClient.encode(["GET", "n"]))
      #expect(try client.reply() == "+OK")
      #expect(try client.reply() == "$\(round)")
      for reply in ["+OK", "+QUEUED", "+QUEUED", "[+OK +OK]", "$\(2 * round)"] {
        #expect(try client.reply() == reply)
      }
    }
    server.stop()
  }

  @Test func `no command waits inside a script or a transaction`() throws {
    let server = try TestServer()
    let client = try server.client()
    let table = CommandTable.standard
    for command in table.commands where command.isAllowedInScripts {
      let words = command.name.split(separator: "|").map(String.init)
      let count = max(abs(command.arity), words.count)
      let arguments = words + Array(repeating: "1", count: count - words.count)
      let call = arguments.map { "'\($0)'" }.joined(separator: ",")
      client.send(
        TestClient.encode(["EVAL", "redis.pcall(\(call)) return 'done'", "0"])
          + TestClient.encode(["ECHO", command.name]))
      #expect(try client.reply() == "$done", "\(command.name)")
      #expect(try client.reply() == "$\(command.name)")
    }
    server.stop()
  }

  @Test func `many purges cost others no time`() throws {
    let server = try TestServer()
    let client = try server.client()
    let admin = try server.client()
    let count = 20_000
    client.send(
      TestClient.encode(["MULTI"])
        + (0..<count).flatMap { _ in TestClient.encode(["MEMORY", "PURGE"]) }
        + TestClient.encode(["EXEC"]))
    #expect(try client.reply() == "+OK")
    for _ in 0..<count { #expect(try client.reply() == "+QUEUED") }
    #expect(try client.reply().hasPrefix("[+OK +OK"))
    let begun = ContinuousClock.now
    #expect(try admin.ask("ACL", "SETUSER", "u", "on") == "+OK")
    #expect(ContinuousClock.now - begun < .seconds(10))
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
