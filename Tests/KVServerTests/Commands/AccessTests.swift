import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// Passwords and users over the wire; the replies are those of Redis 7.0.15, checked against one.
struct AccessTests {
  private static let noAuth = "-NOAUTH Authentication required."
  private static let wrong = "-WRONGPASS invalid username-password pair or user is disabled."

  @Test func `without the password nothing is done but logging in`() throws {
    let server = try TestServer { $0.access.password = "secret" }
    let client = try server.client()
    for command in ["GET a", "MULTI", "EXEC", "PING", "CLIENT ID", "COMMAND", "ACL WHOAMI"] {
      let reply = try client.line(command)
      #expect(
        reply == Self.noAuth
          || reply == "-EXECABORT Transaction discarded because of: NOAUTH Authentication required."
      )
    }
    #expect(try client.line("GET") == "-ERR wrong number of arguments for 'get' command")
    #expect(try client.line("HELLO 3").hasPrefix("-NOAUTH HELLO must be called with the client"))
    #expect(try client.line("AUTH bad") == Self.wrong)
    #expect(try client.line("AUTH nobody secret") == Self.wrong)
    #expect(try client.line("AUTH a b c") == "-ERR syntax error")
    #expect(try client.line("AUTH secret") == "+OK")
    #expect(try client.line("SET a 1") == "+OK")
    #expect(try client.line("RESET") == "+RESET")
    #expect(try client.line("GET a") == Self.noAuth)
    #expect(try client.line("HELLO 3 AUTH default secret SETNAME me").hasPrefix("{"))
    #expect(try client.line("CLIENT GETNAME") == "$me")
  }

  @Test func `what ACL SETUSER takes at once, and what all users have together, has a limit`()
    throws
  {
    let server = try TestServer()
    let client = try server.client()
    func set(_ name: String, patternOf count: Int) throws -> String {
      try client.ask("ACL", "SETUSER", name, "~" + String(repeating: "p", count: count))
    }
    let tooMuch = "-ERR ACL SETUSER accepts at most \(User.ruleLimit) rules and "
    #expect(
      try client.ask(
        ["ACL", "SETUSER", "a"] + [String](repeating: "on", count: User.ruleLimit + 1)
      )
      .hasPrefix(tooMuch))
    #expect(try set("a", patternOf: User.ruleByteLimit).hasPrefix(tooMuch))
    for name in ["a", "b", "c", "d"] { #expect(try set(name, patternOf: 1_040_000) == "+OK") }
    #expect(
      try set("e", patternOf: 40_000).hasPrefix("-ERR the users would take "))
    #expect(try client.ask("ACL", "USERS") == "[$a $b $c $d $default]")
    #expect(try client.ask("ACL", "SETUSER", "a", "resetkeys") == "+OK")
    #expect(try set("e", patternOf: 40_000) == "+OK")
    let many = (0...User.partLimit).map { "~\($0)" }
    #expect(
      try client.ask(["ACL", "SETUSER", "f"] + many).hasSuffix(
        ": A user can have at most 1024 passwords, selectors, patterns and command rules"))
    #expect(try client.ask("ACL", "GETUSER", "f") == "nil")
    server.stop()
  }

  @Test(arguments: [
    Conversation(
      "users",
      [
        ("ACL WHOAMI", "$default"), ("ACL LIST", "[$user default on nopass ~* &* +@all]"),
        ("ACL SETUSER ann on >pw ~a* +get -@all +@read", "+OK"),
        ("ACL USERS", "[$ann $default]"), ("ACL GETUSER none", "nil"),
        (
          "ACL GETUSER ann",
          "[$flags [$on] $passwords "
            + "[$30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4] "
            + "$commands $-@all +@read $keys $~a* $channels $ $selectors []]"
        ),
        ("ACL SETUSER ann (+set ~b)", "+OK"),
        (
          "ACL SETUSER ann (+set",
          "-ERR Unmatched parenthesis in acl selector starting at '(+set'."
        ),
        (
          "ACL SETUSER ann +nosuch",
          "-ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL"
        ),
        ("ACL DRYRUN ann get a", "+OK"),
        ("ACL DRYRUN ann get b", "$This user has no permissions to access the 'b' key"),
        ("ACL DRYRUN ann del b", "$This user has no permissions to run the 'del' command"),
        ("ACL SETUSER ann &news:* +publish +psubscribe +multi", "+OK"),
        ("ACL DRYRUN ann publish news:1 x", "+OK"),
        (
          "ACL DRYRUN ann publish sport x",
          "$This user has no permissions to access the 'sport' channel"
        ),
        ("ACL DRYRUN ann psubscribe news:*", "+OK"),
        (
          "ACL DRYRUN ann psubscribe news:* news:1",
          "$This user has no permissions to access the 'news:1' channel"
        ),
        ("ACL SETUSER ann resetchannels -publish -psubscribe -multi", "+OK"),
        ("ACL DRYRUN none get b", "-ERR User 'none' not found"),
        ("ACL DRYRUN ann none b", "-ERR Command 'none' not found"),
        ("ACL CAT foo", "-ERR Unknown category 'foo'"),
        ("ACL DELUSER default", "-ERR The 'default' user cannot be removed"),
        ("ACL DELUSER ann none", ":1"), ("ACL USERS", "[$default]"), ("ACL LOG", "[]"),
        (
          "ACL GENPASS 0",
          "-ERR ACL GENPASS argument must be the number of bits for the output password, a "
            + "positive number up to 4096"
        ),
        ("ACL FOO", "-ERR unknown subcommand 'FOO'. Try ACL HELP."),
        ("ACL", "-ERR wrong number of arguments for 'acl' command"),
        ("ACL GETUSER", "-ERR wrong number of arguments for 'acl|getuser' command"),
        (
          "ACL CAT a b",
          "-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP."
        ),
        (
          "AUTH x",
          "-ERR AUTH <password> called without any password configured for the default user. Are "
            + "you sure your configuration is correct?"
        ),
        ("AUTH default x", "+OK"),
      ]),
    Conversation(
      "databases",
      [
        ("SELECT 0", "+OK"), ("SELECT 16", "-ERR DB index is out of range"),
        ("SELECT x", "-ERR value is not an integer or out of range"),
        (
          "SELECT 1",
          "-ERR SELECT failed: kvd has only database 0; use key prefixes instead"
        ),
        ("SWAPDB 0 0", "+OK"), ("SWAPDB a 0", "-ERR invalid first DB index"),
        (
          "SWAPDB 0 1",
          "-ERR SWAPDB failed: kvd has only database 0; use key prefixes instead"
        ),
        ("MOVE a 0", "-ERR source and destination objects are the same"),
        (
          "MOVE a 1", "-ERR MOVE failed: kvd has only database 0; use key prefixes instead"
        ),
      ]),
  ])
  func `commands give Redis's replies and errors`(conversation: Conversation) throws {
    try conversation.run()
  }

  @Test func `a user's rules hold from the moment they are changed`() throws {
    let server = try TestServer()
    let admin = try server.client()
    #expect(try admin.line("ACL SETUSER ann on >pw ~a* +@all -flushall -@admin") == "+OK")
    let ann = try server.client(as: "ann", "pw")
    #expect(try ann.line("SET a1 1") == "+OK")
    #expect(
      try ann.line("SET b1 1")
        == "-NOPERM this user has no permissions to access one of the keys used as arguments")
    #expect(
      try ann.line("FLUSHALL")
        == "-NOPERM this user has no permissions to run the 'flushall' command")
    #expect(
      try ann.line("ACL LIST")
        == "-NOPERM this user has no permissions to run the 'acl|list' command")
    #expect(try ann.line("MULTI") == "+OK")
    #expect(try ann.line("GET b") != "+QUEUED")
    #expect(
      try ann.line("EXEC") == "-EXECABORT Transaction discarded because of previous errors.")
    #expect(try ann.line("MULTI") == "+OK")
    #expect(try ann.line("SET a1 2") == "+QUEUED")
    #expect(try ann.line("GET a1") == "+QUEUED")
    #expect(try admin.line("ACL SETUSER ann -get") == "+OK")
    #expect(
      try ann.line("EXEC")
        == "[+OK -NOPERM ACLs rules changed between the moment the transaction was accumulated and "
        + "the EXEC call. This command is no longer allowed for the following reason: no permission "
        + "to execute the command or subcommand]")
    let log = try admin.line("ACL LOG 1")
    #expect(log.contains("$reason $command $context $multi $object $get $username $ann"))
    #expect(try admin.line("ACL LOG RESET") == "+OK")
    #expect(try admin.line("ACL LOG") == "[]")
  }

  @Test func `the same refusal again is counted and not told again`() throws {
    let server = try TestServer { $0.access.logLength = 2 }
    let client = try server.client()
    for _ in 0..<3 { _ = try client.line("AUTH ann bad") }
    #expect(try client.line("ACL LOG").hasPrefix("[[$count :3 $reason $auth $context $toplevel"))
    for name in ["b", "c"] { _ = try client.line("AUTH \(name) bad") }
    #expect(try !client.line("ACL LOG").contains("$ann"))
  }

  @Test func `clients of a user that is removed are closed`() throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    let admin = try server.client()
    #expect(try admin.line("ACL SETUSER ann on nopass +@all ~*") == "+OK")
    let clients = try (0..<4).map { _ in try server.client(as: "ann", "x") }
    #expect(try admin.line("ACL DELUSER ann") == ":1")
    for client in clients { #expect(client.isClosedByServer()) }
    #expect(try admin.line("PING") == "+PONG")
  }

  // MARK: Kept

  @Test func `users outlive the server, and one that is gone stays gone`() throws {
    let directory = TestDirectory()
    let open = { try Self.server(directory.path) }
    do {
      let (server, store) = try open()
      let client = try TestClient(port: server.port)
      #expect(try client.line("ACL SETUSER ann on >pw ~a* +@all") == "+OK")
      #expect(try client.line("ACL SETUSER bob on >pw") == "+OK")
      #expect(try client.line("ACL DELUSER bob") == ":1")
      #expect(try client.line("ACL SAVE").hasPrefix("-ERR This Redis instance is not configured"))
      try Self.close(server, store)
    }
    let (server, store) = try open()
    let client = try TestClient(port: server.port)
    #expect(try client.line("ACL USERS") == "[$ann $default]")
    #expect(try client.line("AUTH ann pw") == "+OK")
    #expect(try client.line("SET b 1").hasPrefix("-NOPERM"))
    try Self.close(server, store)
  }

  @Test func `an ACL file is read at the start and on LOAD and written on SAVE alone`() throws {
    let directory = TestDirectory()
    let file = directory.path + "/users"
    let write = { (text: String) in try SmallFile.replace(file, with: Array(text.utf8)) }
    try write("user ann on nopass ~* +@all\n\nuser bob off (+get ~a) \n")
    let (server, store) = try Self.server(directory.path) { $0.access.userFile = file }
    let client = try TestClient(port: server.port)
    #expect(try client.line("ACL USERS") == "[$ann $bob $default]")
    #expect(try client.line("ACL SETUSER carl") == "+OK")
    let ann = try TestClient(port: server.port)
    #expect(try ann.line("AUTH ann x") == "+OK")
    #expect(try client.line("ACL LOAD") == "+OK")
    #expect(try client.line("ACL USERS") == "[$ann $bob $default]")
    #expect(ann.isClosedByServer())
    #expect(try client.line("ACL SETUSER carl") == "+OK")
    #expect(try client.line("ACL SAVE") == "+OK")
    let saved = String(decoding: try #require(try SmallFile.contents(of: file)), as: UTF8.self)
    #expect(saved.contains("user carl off resetchannels -@all\n"))
    try write("user ann\nuser ann\nnonsense\nuser x +nosuch\n")
    #expect(
      try client.line("ACL LOAD")
        == "-ERR WARNING: Duplicate user 'ann' found on line 2. \(file):3 should start with user "
        + "keyword followed by the username. \(file):4: Unknown command or category name in ACL. "
        + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
    )
    #expect(try client.line("ACL USERS") == "[$ann $bob $carl $default]")
    try Self.close(server, store)
    #expect(throws: Server.Failure.self) {
      let (server, _) = try Self.server(directory.path) { $0.access.userFile = file }
      server.stop()
    }
  }

  @Test
  func `users of the configuration are those of the start, and what is rewritten is read again`()
    throws
  {
    let directory = TestDirectory()
    let path = try directory.write(
      "kvd.conf",
      "# mine\nuser ann on >pw ~a* +@all (+get \"~\\\"b)\"\nport 0\nuser bob off nopass\n")
    let open = {
      let read = try CommandLineOptions.parse([path])
      return try Self.server(directory.path) {
        $0.access = read.access
        $0.configurationPath = path
      }
    }
    let described: String
    do {
      let (server, store) = try open()
      let client = try TestClient(port: server.port)
      #expect(try client.line("ACL USERS") == "[$ann $bob $default]")
      #expect(
        try client.line("ACL SAVE")
          == "-ERR This Redis instance is not configured to use an ACL file. You may want to specify "
          + "users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a "
          + "Redis configuration file set) in order to store users in the Redis configuration.")
      #expect(try client.line("ACL LOAD") == client.line("ACL SAVE"))
      #expect(try client.line("ACL DELUSER bob") == ":1")
      #expect(try client.ask("ACL", "SETUSER", "c'l", "on", "nopass", "%R~\"q\"") == "+OK")
      #expect(try client.line("CONFIG REWRITE") == "+OK")
      described = try client.line("ACL LIST")
      #expect(try client.line("ACL SETUSER gone") == "+OK")
      try Self.close(server, store)
    }
    let text = String(decoding: try #require(try SmallFile.contents(of: path)), as: UTF8.self)
    #expect(text.hasPrefix("# mine\nuser ann on #"))
    #expect(text.contains("\nuser default on nopass ~* &* +@all\nport 0\n"))
    #expect(!text.contains("pw"))
    let (server, store) = try open()
    let client = try TestClient(port: server.port)
    // As in Redis, where a line for it begins with a reset.
    let flagged = described.replacing(
      "default on nopass", with: "default on nopass sanitize-payload")
    #expect(try client.line("ACL LIST") == flagged)
    try Self.close(server, store)
    #expect(try SmallFile.contents(of: directory.path + "/data/users.acl") == nil)
  }

  @Test(arguments: [
    ("user x on\nuser x off", "kvd.conf:2: Error in user declaration 'x': Duplicate user found."),
    ("user x +nosuch", "'+nosuch': Unknown command or category name in ACL"),
    ("user 'x y' on", "Spaces not allowed in ACL usernames"),
    ("user x (+get", "Unmatched parenthesis in selector definition"),
    ("user x on\naclfile users", "please define either an ACL file or declare users directly"),
    (
      "acl-pubsub-default allchannels\nuser x &y", "Try 'resetchannels' to start with an empty list"
    ),
  ])
  func `users that make no sense together stop the start`(text: String, why: String) throws {
    let directory = TestDirectory()
    let path = try directory.write("kvd.conf", text)
    let read = try CommandLineOptions.parse([path])
    let failure = #expect(throws: Server.Failure.self) {
      let (server, _) = try Self.server(directory.path) { $0.access = read.access }
      server.stop()
    }
    #expect(failure?.description.contains(why) == true)
  }

  @Test func `users are kept in one place`() throws {
    let directory = TestDirectory()
    let (server, store) = try Self.server(directory.path)
    #expect(try TestClient(port: server.port).line("ACL SETUSER ann on") == "+OK")
    try Self.close(server, store)
    _ = try directory.write("more.conf", "user bob on\n")
    let path = try directory.write("kvd.conf", "include more.conf\n")
    let read = try CommandLineOptions.parse([path])
    let open = {
      try Self.server(directory.path) {
        $0.access = read.access
        $0.configurationPath = path
      }
    }
    let failure = #expect(throws: Server.Failure.self) { try open().0.stop() }
    #expect(failure?.description.contains("data/users.acl") == true)
    try #require(unlink(directory.path + "/data/users.acl") == 0)
    let (second, other) = try open()
    let client = try TestClient(port: second.port)
    #expect(try client.line("ACL USERS") == "[$bob $default]")
    #expect(
      try client.line("CONFIG REWRITE")
        == "-ERR Rewriting config file: an included file defines users, which would then be defined twice; "
        + "move them to the main file and restart kvd")
    try Self.close(second, other)
  }

  @Test func `who may do everything may use the channels alone that were named`() throws {
    let server = try TestServer()
    let client = try server.client()
    let refusal =
      "-NOPERM this user has no permissions to access one of the channels used as arguments"
    #expect(try client.line("ACL SETUSER default reset on nopass ~* +@all &a*") == "+OK")
    for command in ["SUBSCRIBE ab c", "PSUBSCRIBE ab", "PUBLISH b x"] {
      #expect(try client.line(command) == refusal)
    }
    #expect(try client.line("PUBLISH ab x").hasPrefix("-ERR PUBLISH is not supported"))
    #expect(try client.line("ACL LOG 1").contains("$reason $channel $context $toplevel $object $b"))
  }

  @Test func `acl-pubsub-default holds for users made and reset from then on`() throws {
    let server = try TestServer { $0.access.channelDefault = .all }
    let client = try server.client()
    let channels = { (user: String) in
      String(try client.line("ACL GETUSER \(user)").split(separator: "$channels ")[1].prefix(3))
    }
    #expect(try client.line("ACL SETUSER old (+get)") == "+OK")
    #expect(try client.line("ACL LIST").contains("$user old off &* -@all (&* -@all +get)"))
    #expect(try client.line("CONFIG SET acl-pubsub-default resetchannels") == "+OK")
    #expect(try client.line("ACL SETUSER new") == "+OK")
    #expect(try channels("old") == "$&*")
    #expect(try channels("new") == "$ $")
    #expect(try client.line("ACL SETUSER old reset") == "+OK")
    #expect(try channels("old") == "$ $")
    #expect(
      try client.line("CONFIG SET acl-pubsub-default x")
        == "-ERR CONFIG SET failed (possibly related to argument 'acl-pubsub-default') - "
        + "argument(s) must be one of the following: allchannels, resetchannels")
  }

  private static func server(
    _ path: String, _ change: (inout ServerOptions) -> Void = { _ in }
  ) throws -> (Server, Store) {
    let store = try Store.open(at: path + "/data")
    var options = ServerOptions()
    options.port = 0
    options.dataPath = path + "/data"
    change(&options)
    do {
      return (try Server(store: store, options: options), store)
    } catch {
      try store.close()
      throw error
    }
  }

  private static func close(_ server: Server, _ store: Store) throws {
    server.stop()
    server.wait()
    try store.close()
  }
}
