import Testing

@testable import KVServer
@testable import KVStore

/// Numbers at the ends of their ranges in every argument of every command.
///
/// A sum, a product or a conversion that traps ends the whole process, and with it these tests; so does one
/// without a check anywhere between the socket and the store.
struct ExtremeNumberTests {
  static let numbers = [
    "9223372036854775807", "-9223372036854775807", "-9223372036854775808", "9223372036854775808",
    "18446744073709551615", "4611686018427387904", "1152921504606846976", "2147483647",
    "-2147483648", "2147483648", "4294967295", "4294967296", "-1", "0", "1", "1e308", "-1e308",
    "nan", "inf", "-inf", "#9223372036854775807", "#2305843009213693952",
    "99999999999gb", "8589934591gb", "",
  ]

  /// Commands that end the process or the connection, hold it back, or reply when they like. They are sent
  /// alone, and nothing is waited for but that the server serves others.
  static let unanswered: Set<String> = [
    "client|kill", "client|reply", "monitor", "quit", "wait",
  ]
  /// The first ends the process, whatever its arguments; the second never has any that matter here, but for
  /// the forms below.
  static let leftOut: Set<String> = ["shutdown", "debug"]

  /// Where a number stands only behind a word: N is replaced by each of the numbers, one place at a time and
  /// all together.
  static let forms = [
    "SET string v EX N", "SET string v PX N", "SET new v EXAT N", "SET new v PXAT N",
    "GETEX string EX N", "GETEX string PXAT N", "EXPIRE string N NX", "PEXPIRE string N LT",
    "BITCOUNT string N N BIT", "BITPOS string 0 N N BIT", "BITFIELD string GET i64 N",
    "BITFIELD string SET u63 N N", "BITFIELD string OVERFLOW SAT INCRBY i64 N N",
    "BITFIELD string OVERFLOW FAIL INCRBY u8 0 N", "BITFIELD string GET iN 0",
    "LCS string other IDX MINMATCHLEN N", "SCAN 0 COUNT N", "SCAN N COUNT N",
    "HSCAN hash 0 COUNT N",
    "SSCAN set N COUNT N", "HRANDFIELD hash N", "HRANDFIELD hash N WITHVALUES", "SRANDMEMBER set N",
    "SPOP set N", "SINTERCARD N set set", "SINTERCARD 2 set set LIMIT N",
    "SORT set LIMIT N N ALPHA",
    "SORT_RO set LIMIT N N ALPHA", "SORT set BY nosort LIMIT N N STORE sorted",
    "COPY string new DB N", "RESTORE new N x ABSTTL IDLETIME N", "RESTORE new 0 x FREQ N",
    "MEMORY USAGE hash SAMPLES N", "SLOWLOG GET N", "ACL LOG N", "LATENCY HISTORY N",
    "CLIENT LIST ID N N", "CLIENT NO-EVICT N", "CLIENT UNBLOCK N", "CLIENT GETREDIR N",
    "COMMAND GETKEYS EVAL x N key", "COMMAND GETKEYS SINTERCARD N key", "EVAL return(1) N key",
    "EVALSHA \(String(repeating: "a", count: 40)) N", "KV.RANGE string string LIMIT N",
    "KV.PREFIX s LIMIT N", "KV.REVRANGE z a LIMIT N", "KV.HRANGE hash a z LIMIT N",
    "KV.BATCH IF string SEQ N SET string v", "DEBUG STRINGMATCH-LEN N a*", "DEBUG SLEEP nan",
    "DEBUG SLEEP -inf", "DEBUG SLEEP -1e308", "DEBUG SET-ACTIVE-EXPIRE N", "OBJECT FREQ N",
    "HELLO N", "SELECT N", "SWAPDB N N", "MOVE string N", "PSETEX string N v", "SETEX string N v",
    "SETBIT string N 1", "GETBIT string N", "SETRANGE string N v", "GETRANGE string N N",
    "INCRBY number N", "DECRBY number N", "INCRBYFLOAT number N", "HINCRBY hash n N",
    "HINCRBYFLOAT hash n N",
  ]

  /// Every request made from `form`.
  static func requests(from form: String) -> [[String]] {
    let words = form.split(separator: " ").map(String.init)
    let places = words.indices.filter { words[$0].contains("N") && words[$0].allSatisfy(isMark) }
    guard !places.isEmpty else { return [words] }
    return numbers.flatMap { number in
      (places.map { [$0] } + [places]).map { chosen in
        words.indices.map { index in
          guard places.contains(index) else { return words[index] }
          return words[index].replacing("N", with: chosen.contains(index) ? number : "0")
        }
      }
    }
  }

  private static func isMark(_ character: Character) -> Bool {
    character == "N" || character == "i"
  }

  /// The same for a command of which only the shape is known: its arguments are all numbers, or a key and
  /// numbers, of every count that it takes, up to three more than the least.
  static func requests(for command: Command) -> [[String]] {
    let name = command.name.split(separator: "|").map(String.init)
    let least = max(command.arity.magnitude, UInt(name.count))
    let most = command.arity > 0 ? least : least + 3
    return (least...most).flatMap { count in
      numbers.prefix(12).flatMap { number in
        (number == numbers[0] ? ["string", "hash", "set", number] : ["string", number]).map {
          first in
          name
            + (name.count..<max(name.count, Int(count))).map { $0 == name.count ? first : number }
        }
      }
    }
  }

  @Test func `every command bears them in every argument`() throws {
    let server = try TestServer {
      $0.debugCommands = .yes
      $0.log = { _ in }
    }
    let witness = try server.client()
    for command in CommandTable.standard.commands where !Self.leftOut.contains(command.name) {
      let requests = Self.requests(for: command)
      #expect(!requests.isEmpty)
      try prepare(witness)
      if Self.unanswered.contains(command.name) {
        for request in requests { try server.client().send(TestClient.encode(request)) }
      } else if command.name == "client|pause" {
        for request in requests {
          #expect(try server.client().ask(request) != "")
          #expect(try witness.ask("CLIENT", "UNPAUSE") == "+OK")
        }
      } else {
        try ask(requests, of: server)
      }
      #expect(try witness.ask("PING") == "+PONG", "\(command.name)")
    }
  }

  @Test(arguments: forms)
  func `every option bears them`(form: String) throws {
    let server = try TestServer { $0.debugCommands = .yes }
    let client = try server.client()
    try prepare(client)
    let requests = Self.requests(from: form)
    #expect(requests.count == 1 || requests.count > Self.numbers.count)
    try ask(requests, of: server)
    #expect(try client.ask("PING") == "+PONG")
  }

  /// As a pipeline, all of whose replies must come. What a command does to its connection, the next does not
  /// see.
  private func ask(_ requests: [[String]], of server: TestServer) throws {
    let client = try server.client()
    client.send(requests.flatMap { TestClient.encode($0) })
    for request in requests {
      let reply = try client.reply()
      #expect(!reply.isEmpty, "\(request)")
    }
  }

  private func prepare(_ client: TestClient) throws {
    for line in [
      "CLIENT UNPAUSE", "FLUSHALL", "SET string abcdefgh", "SET other bcdefghi", "SET number 1",
      "HSET hash a 1 b 2 n 3", "SADD set 1 2 3",
    ] {
      #expect(!(try client.line(line).hasPrefix("-")), "\(line)")
    }
  }

  @Test func `a dump is restored with any time to live`() throws {
    let server = try TestServer()
    let client = try server.client()
    var dump: [UInt8] = [0, 1, 0x76]
    ValueDump.appendFooter(to: &dump)
    for number in Self.numbers where !number.isEmpty {
      for option in ["REPLACE", "ABSTTL"] {
        let words = ["RESTORE", "key", number].map { Array($0.utf8) }
        #expect(!(try client.ask(words + [dump, Array(option.utf8)]).isEmpty))
        for command in ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "GET", "DUMP"] {
          #expect(!(try client.ask(command, "key").isEmpty))
        }
      }
    }
  }

  /// Each setting is put back, so that the next is tried alone.
  @Test func `every setting bears them, and the server works with what it took`() throws {
    let server = try TestServer { $0.log = { _ in } }
    let client = try server.client()
    for setting in Settings.all where setting.change != .never {
      let before = try server.client().ask("CONFIG", "GET", setting.name)
      for number in Self.numbers where !number.isEmpty {
        let reply = try client.ask("CONFIG", "SET", setting.name, number)
        guard reply == "+OK" else { continue }
        #expect(try client.ask("SET", "key", "value") != "", "\(setting.name) \(number)")
        #expect(try client.ask("EVAL", "return redis.pcall('get', 'key')", "0") != "")
        #expect(try client.line("LATENCY LATEST") != "" && client.line("SLOWLOG GET") != "")
        #expect(try client.line("INFO everything").count > 100)
        let old = before.dropFirst("[$\(setting.name) $".count).dropLast()
        #expect(try client.ask("CONFIG", "SET", setting.name, String(old)) == "+OK")
      }
    }
    #expect(try client.line("PING") == "+PONG")
  }

  @Test(arguments: [
    (10, 5, 500, 0, 1000), (3, 3, 30, 7, 37), (0, 0, 0, 7, 7),
    (300_000_000, 300_000_000, 31_000_000_000, 60, 31_000_000_060),
    (Int.max, 1, Int.max, 1, Int.max), (Int.max, 2, 2, 0, Int.max), (Int.max, 2, 2, 1, Int.max),
  ])
  func `what a map takes is estimated without overflow`(
    count: Int, seen: Int, seenByteCount: Int, rest: Int, expected: Int
  ) {
    let found = MemoryCommand.estimate(count, from: seen, of: seenByteCount, beside: rest)
    #expect(found == expected)
  }

  /// A product that wraps would make bit 0 of it.
  @Test func `a bit field whose place is beyond all numbers is refused`() throws {
    let server = try TestServer()
    let client = try server.client()
    let refusal = "-ERR bit offset is not an integer or out of range"
    for place in ["#2305843009213693952", "#1152921504606846976", "#9223372036854775807"] {
      #expect(try client.ask("BITFIELD", "k", "SET", "u16", place, "7") == refusal)
    }
    #expect(try client.ask("EXISTS", "k") == ":0")
  }
}
