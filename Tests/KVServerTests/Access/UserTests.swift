import Testing

@testable import KVServer

/// What rules make of a user. The texts are those of Redis 7.0.15, checked against one.
struct UserTests {
  private func user(_ rules: String) throws -> User {
    var user = User(name: Array("ann".utf8), table: .standard)
    for rule in rules.split(separator: " ") { try user.apply(Array(rule.utf8)) }
    return user
  }

  private func refusal(_ user: User, _ words: String) -> AccessRefusal? {
    var bytes: [UInt8] = []
    var arguments: [Range<Int>] = []
    for word in words.split(separator: " ") {
      arguments.append(bytes.count..<(bytes.count + word.utf8.count))
      bytes += Array(word.utf8)
    }
    return bytes.withRawBytes { request in
      guard let index = CommandTable.standard.index(of: arguments[...], in: request) else {
        Issue.record("no such command: \(words)")
        return nil
      }
      return user.refusal(of: index, arguments, in: request)
    }
  }

  private func allows(_ user: User, _ words: String) -> Bool { refusal(user, words) == nil }

  @Test(arguments: [
    ("", "user ann off resetchannels -@all"),
    ("on nopass allkeys allchannels allcommands", "user ann on nopass ~* &* +@all"),
    ("~a* %R~b %W~c %RW~d &ch", "user ann off ~a* %R~b %W~c ~d resetchannels &ch -@all"),
    ("%R~a %W~a", "user ann off ~a resetchannels -@all"),
    ("+get +client -client|kill", "user ann off resetchannels -@all +get +client -client|kill"),
    ("+client|kill +client", "user ann off resetchannels -@all +client"),
    ("+@all -@write +set -@write", "user ann off resetchannels +@all +set -@write"),
    ("+@all -get +get", "user ann off resetchannels +@all"),
    ("+get -get", "user ann off resetchannels -@all"),
    ("+select|0 +SELECT|0", "user ann off resetchannels -@all +select|0"),
    ("+GET -@READ", "user ann off resetchannels -@all +get -@read"),
    ("on ~a reset", "user ann off sanitize-payload resetchannels -@all"),
    (
      "#" + String(repeating: "0", count: 64),
      "user ann off #" + String(repeating: "0", count: 64) + " resetchannels -@all"
    ),
  ])
  func `rules are told as they count`(rules: String, line: String) throws {
    #expect(String(decoding: try user(rules).description, as: UTF8.self) == line)
  }

  @Test(arguments: [
    ("+nosuch", AccessRuleError.unknownCommand), ("-select|0", .unknownCommand),
    ("+config|nosuch", .unknownCommand), ("+@nosuch", .unknownCommand),
    ("+client|kill|x", .firstArgumentOfSubcommand), ("+get|", .syntax), ("foo", .syntax),
    ("%~a", .syntax), ("%RR~a", .syntax), ("%X~a", .syntax), ("#abc", .badHash),
    ("#" + String(repeating: "A", count: 64), .badHash), ("<none", .noSuchPassword),
    ("allkeys ~a", .patternAfterAll), ("allchannels &a", .channelAfterAll), ("(foo)", .syntax),
  ])
  func `a rule that makes no sense is refused by its reason`(rules: String, why: AccessRuleError) {
    #expect(throws: why) { try user(rules) }
  }

  @Test func `rules in parentheses are put together, however many words they have`() throws {
    func merge(_ text: String) -> [String]? {
      let words = text.split(separator: " ").map { Array($0.utf8) }
      guard case .success(let rules) = User.merge(words) else { return nil }
      return rules.map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(merge("on (+get ~a) off") == ["on", "(+get ~a)", "off"])
    #expect(merge("(+get) (~a (b ~c)") == ["(+get)", "(~a (b ~c)"])
    #expect(merge("on (+get ~a") == nil)
    let many = "(" + [String](repeating: "~a", count: 300_000).joined(separator: " ") + ")"
    #expect(merge(many) == [many])
  }

  @Test(arguments: ["~%", "&%", "+get|%", "(~%)"])
  func `a user has no more patterns and rules than are looked through in a short time`(
    rule: String
  ) throws {
    func rules(_ count: Int) -> String {
      (0..<count).map { rule.replacing("%", with: "n\($0)") }.joined(separator: " ")
    }
    _ = try user(rules(User.partLimit / 2 - 1))
    #expect(throws: AccessRuleError.tooManyParts) { try user(rules(User.partLimit + 1)) }
    let patterns = (0..<User.partLimit).map { "~n\($0)" }
    #expect(throws: AccessRuleError.tooManyParts) {
      var user = try user("")
      try user.apply(Array("(\(patterns.joined(separator: " ")))".utf8))
    }
    // What is named again is no more.
    _ = try user([String](repeating: "~a", count: 2 * User.partLimit).joined(separator: " "))
  }

  @Test func `a key is read by who may read it and written by who may write it`() throws {
    let user = try user("+@all ~a* %R~r* %W~w*")
    for command in ["GET r", "GET a", "SET w 1", "SET a 1", "SET a 1 GET", "MSET a 1 w 2"] {
      #expect(allows(user, command), "\(command)")
    }
    for (command, key) in [
      ("GET w", 1), ("SET r 1", 1), ("SET w 1 GET", 1), ("INCR w", 1), ("INCR r", 1),
      ("MSET a 1 r 1", 3), ("MGET a w", 2), ("DEL w x", 2), ("WATCH x", 1), ("EXISTS x", 1),
    ] {
      #expect(refusal(user, command) == .key(argument: key), "\(command)")
    }
    // Without a flag that says that something is learned or changed either permission will do.
    #expect(allows(user, "EXISTS w") && allows(user, "STRLEN w"))
  }

  @Test func `a range is allowed if all of it lies in one pattern`() throws {
    let user = try user("+@all ~a:* %R~b:* ~c\\* ~d*x")
    for command in [
      "KV.PREFIX a:", "KV.PREFIX a:1", "KV.RANGE a: a;", "KV.RANGE b:1 b:2", "KV.DELPREFIX a:",
      "KV.DELRANGE a:1 a:2", "KV.BATCH IF b:1 ABSENT SET a:1 x DELPREFIX a:2", "KV.RANGE b a",
    ] {
      #expect(allows(user, command), "\(command)")
    }
    for command in [
      "KV.PREFIX a", "KV.RANGE a: a<", "KV.RANGE - +", "KV.RANGE a: +", "KV.RANGE b:1 c:2",
      "KV.DELPREFIX b:", "KV.PREFIX c*", "KV.PREFIX d", "KV.BATCH SET a:1 x SET b:1 x",
      "KV.BATCH IF x ABSENT", "KV.BATCH DELRANGE a: +", "KV.BATCH DEL b:1",
    ] {
      #expect(!allows(user, command), "\(command)")
    }
  }

  @Test func `one selector must allow all of a request`() throws {
    var user = try user("+get ~a*")
    try user.apply(Array("(+set ~b*)".utf8))
    #expect(allows(user, "GET a") && allows(user, "SET b 1"))
    #expect(refusal(user, "SET a 1") == .key(argument: 1))
    #expect(refusal(user, "GET b") == .key(argument: 1))
    #expect(refusal(user, "MGET a") == .command)
    try user.apply(Array("clearselectors".utf8))
    #expect(refusal(user, "SET b 1") == .command)
  }

  @Test func `a first argument may be all that is allowed`() throws {
    let user = try user("+select|0 +client -client|kill")
    #expect(allows(user, "SELECT 0") && allows(user, "CLIENT ID"))
    #expect(refusal(user, "SELECT 1") == .command)
    #expect(refusal(user, "CLIENT KILL x") == .command)
    // Whoever may do nothing may still say who they are.
    #expect(allows(user, "AUTH a b") && allows(user, "QUIT") && allows(user, "RESET"))
  }

  @Test func `every category taken from all and given to none is told as that`() throws {
    for name in Categories.names {
      #expect(try user("+@all -@\(name)").selectors[0].commands.description == "+@all -@\(name)")
      #expect(try user("+@\(name)").selectors[0].commands.description == "-@all +@\(name)")
    }
  }

  @Test func `a user lets in who has one of the passwords while it is on`() throws {
    var user = try user(">one >two")
    let accepts = { (user: User, text: String) in text.withRawBytes { user.accepts($0) } }
    #expect(!accepts(user, "one"))
    try user.apply(Array("on".utf8))
    #expect(accepts(user, "one") && accepts(user, "two"))
    #expect(!accepts(user, "three") && !accepts(user, ""))
    try user.apply(Array("<one".utf8))
    #expect(!accepts(user, "one") && accepts(user, "two"))
    try user.apply(Array("nopass".utf8))
    #expect(accepts(user, "anything") && user.passwords.isEmpty)
    try user.apply(Array("resetpass".utf8))
    #expect(!accepts(user, "two") && !accepts(user, ""))
  }
}
