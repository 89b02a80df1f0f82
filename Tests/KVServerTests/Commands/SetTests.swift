import Testing

private let wrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value"
private let notAnInteger = "-ERR value is not an integer or out of range"
private let notPositive = "-ERR value is out of range, must be positive"
private let syntaxError = "-ERR syntax error"

/// The replies of set commands, as redis-server 7.0.15 gives them, but for the order of members.
struct SetTests {
  @Test(arguments: [
    Conversation(
      "members are added, looked for and removed",
      [
        ("SADD s b a b", ":2"), ("SADD s a", ":0"), ("SADD s c a", ":1"), ("SCARD s", ":3"),
        ("SCARD none", ":0"), ("SISMEMBER s a", ":1"), ("SISMEMBER s x", ":0"),
        ("SISMEMBER none a", ":0"), ("SMISMEMBER s a x c", "[:1 :0 :1]"),
        ("SMISMEMBER none a b", "[:0 :0]"), ("SMEMBERS s", "[$a $b $c]"), ("SMEMBERS none", "[]"),
        ("SREM s a a x", ":1"), ("SREM none a", ":0"), ("TYPE s", "+set"), ("SREM s b c", ":2"),
        ("EXISTS s", ":0"), ("SADD s ", ":1"), ("SMEMBERS s", "[$]"), ("SISMEMBER s ", ":1"),
        ("SCAN 0 TYPE set", "[$0 [$s]]"), ("KV.RANGE - +", "[$s nil]"), ("COPY s t", ":1"),
        ("RENAME s u", "+OK"), ("SADD t x", ":1"), ("SMEMBERS u", "[$]"), ("SMEMBERS t", "[$ $x]"),
        ("EXPIRE t 0", ":1"), ("SMEMBERS t", "[]"), ("DEL u", ":1"), ("DBSIZE", ":0"),
      ]),
    Conversation(
      "a key that holds something else",
      [
        ("SET k x", "+OK"), ("HSET h a 1", ":1"), ("SADD s a", ":1"), ("SADD k a", wrongType),
        ("SREM k a", wrongType), ("SISMEMBER k a", wrongType), ("SMISMEMBER h a", wrongType),
        ("SCARD h", wrongType), ("SMEMBERS h", wrongType), ("SSCAN h 0", wrongType),
        ("SSCAN k x", "-ERR invalid cursor"), ("SPOP k", wrongType), ("SPOP h 0", wrongType),
        ("SPOP k x", notPositive), ("SRANDMEMBER k", wrongType), ("SRANDMEMBER h 0", wrongType),
        ("SRANDMEMBER k x", notAnInteger), ("SMOVE k s a", wrongType), ("SMOVE s k a", wrongType),
        ("SMOVE s k x", wrongType), ("SMOVE none k a", ":0"), ("SINTER none k", wrongType),
        ("SINTER s k", wrongType), ("SUNION k none", wrongType), ("SDIFF none s h", wrongType),
        ("SINTERSTORE d none k", wrongType), ("SUNIONSTORE d s h", wrongType),
        ("SDIFFSTORE d k s", wrongType), ("SINTERCARD 2 none k", wrongType), ("EXISTS d", ":0"),
        ("GET s", wrongType), ("HGET s a", wrongType), ("HSET s a 1", wrongType),
        ("SUNIONSTORE k s", ":1"), ("TYPE k", "+set"), ("SINTERSTORE h s none", ":0"),
        ("EXISTS h", ":0"), ("SET s x", "+OK"), ("GET s", "$x"), ("SMEMBERS k", "[$a]"),
      ]),
    Conversation(
      "random members",
      [
        ("SRANDMEMBER none", "nil"), ("SRANDMEMBER none 5", "[]"), ("SRANDMEMBER none -5", "[]"),
        ("SADD s a", ":1"), ("SRANDMEMBER s", "$a"), ("SRANDMEMBER s 0", "[]"),
        ("SRANDMEMBER s 9", "[$a]"), ("SRANDMEMBER s -3", "[$a $a $a]"),
        ("SRANDMEMBER s 9223372036854775808", notAnInteger), ("SRANDMEMBER s 1 x", syntaxError),
        (
          "SRANDMEMBER s -9223372036854775808",
          "-ERR value is out of range, value must between -9223372036854775807 and "
            + "9223372036854775807"
        ),
        ("SPOP none", "nil"), ("SPOP none 3", "[]"), ("SPOP s 0", "[]"),
        ("SPOP s -1", notPositive), ("SPOP s x", notPositive),
        ("SPOP s 1 x", syntaxError), ("SPOP s", "$a"), ("EXISTS s", ":0"), ("SADD s a b", ":2"),
        ("SPOP s 2", "[$a $b]"), ("EXISTS s", ":0"), ("SADD s c d", ":2"),
        ("SPOP s 9223372036854775807", "[$c $d]"), ("DBSIZE", ":0"),
      ]),
    Conversation(
      "moving",
      [
        ("SADD s a b", ":2"), ("SMOVE none s a", ":0"), ("SMOVE s t x", ":0"), ("EXISTS t", ":0"),
        ("SMOVE s t a", ":1"), ("SMEMBERS s", "[$b]"), ("SMEMBERS t", "[$a]"),
        ("SMOVE s s b", ":1"), ("SMOVE s s x", ":0"), ("SADD t b", ":1"), ("SMOVE s t b", ":1"),
        ("EXISTS s", ":0"), ("SMEMBERS t", "[$a $b]"), ("SCARD t", ":2"),
      ]),
    Conversation(
      "intersections, unions and differences",
      [
        ("SADD a 1 2 3 4", ":4"), ("SADD b 2 4 6", ":3"), ("SADD c 4 7", ":2"),
        ("SINTER a b", "[$2 $4]"), ("SINTER a b c", "[$4]"), ("SINTER a", "[$1 $2 $3 $4]"),
        ("SINTER a none", "[]"), ("SINTER none", "[]"), ("SINTER b b", "[$2 $4 $6]"),
        ("SUNION a b c", "[$1 $2 $3 $4 $6 $7]"), ("SUNION none c none", "[$4 $7]"),
        ("SUNION none", "[]"), ("SUNION c c", "[$4 $7]"), ("SDIFF a b", "[$1 $3]"),
        ("SDIFF a none c", "[$1 $2 $3]"), ("SDIFF none a", "[]"), ("SDIFF a b a", "[]"),
        ("SDIFF c", "[$4 $7]"), ("SINTERSTORE d a b", ":2"), ("SMEMBERS d", "[$2 $4]"),
        ("SDIFF a a", "[]"), ("SDIFF a b b c", "[$1 $3]"), ("SINTER a b a b", "[$2 $4]"),
        ("SUNION a c a c", "[$1 $2 $3 $4 $7]"), ("SINTER a none a", "[]"),
        ("SINTERCARD 4 a b a b", ":2"), ("SUNIONSTORE e a a", ":4"), ("SDIFFSTORE e a b a", ":0"),
        ("SUNIONSTORE d d c", ":3"), ("SMEMBERS d", "[$2 $4 $7]"), ("SDIFFSTORE a a d", ":2"),
        ("SMEMBERS a", "[$1 $3]"), ("SCARD a", ":2"), ("EXPIRE d 100", ":1"),
        ("SUNIONSTORE d c", ":2"), ("TTL d", ":-1"), ("SINTERSTORE d a c", ":0"),
        ("EXISTS d", ":0"), ("SUNIONSTORE d none", ":0"), ("DBSIZE", ":3"),
      ]),
    Conversation(
      "counting what is shared",
      [
        ("SADD a 1 2 3 4", ":4"), ("SADD b 2 3 4 6", ":4"), ("SINTERCARD 2 a b", ":3"),
        ("SINTERCARD 1 a", ":4"), ("SINTERCARD 2 a none", ":0"), ("SINTERCARD 2 a b LIMIT 2", ":2"),
        ("SINTERCARD 2 a b limit 0", ":3"), ("SINTERCARD 2 a b LIMIT 9", ":3"),
        ("SINTERCARD 2 a b LIMIT 1 LIMIT 2", ":2"),
        ("SINTERCARD 2 a b LIMIT -1", "-ERR LIMIT can't be negative"),
        ("SINTERCARD 2 a b LIMIT x", "-ERR LIMIT can't be negative"),
        ("SINTERCARD 2 a b LIMIT", syntaxError), ("SINTERCARD 1 a b", syntaxError),
        ("SINTERCARD 0 a", "-ERR numkeys should be greater than 0"),
        ("SINTERCARD x a", "-ERR numkeys should be greater than 0"),
        ("SINTERCARD 3 a b", "-ERR Number of keys can't be greater than number of args"),
        ("SINTERCARD 1", "-ERR wrong number of arguments for 'sintercard' command"),
        ("COMMAND GETKEYS SINTERCARD 2 a b LIMIT 1", "[$a $b]"),
      ]),
    Conversation(
      "scanning",
      [
        ("SSCAN none 0", "[$0 []]"), ("SADD s b a c", ":3"), ("SSCAN s 0", "[$0 [$a $b $c]]"),
        ("SSCAN s 0 COUNT 1", "[$0 [$a $b $c]]"), ("SSCAN s 0 MATCH [bc]", "[$0 [$b $c]]"),
        ("SSCAN s 0 COUNT 0", syntaxError), ("SSCAN s 0 COUNT x", notAnInteger),
        ("SSCAN s x", "-ERR invalid cursor"), ("SSCAN s 0 TYPE string", syntaxError),
      ]),
    Conversation(
      "encodings are told as Redis names them",
      [
        ("SADD s 1 -2 9223372036854775807", ":3"), ("OBJECT ENCODING s", "$intset"),
        ("SADD s 01", ":1"), ("OBJECT ENCODING s", "$hashtable"),
        ("OBJECT ENCODING none", "nil"),
      ]),
    Conversation(
      "sorting",
      [
        ("SORT none", "[]"), ("SADD s 10 9 1 -3.5", ":4"), ("SORT s", "[$-3.5 $1 $9 $10]"),
        ("SORT s DESC", "[$10 $9 $1 $-3.5]"), ("SORT_RO s ALPHA", "[$-3.5 $1 $10 $9]"),
        ("SORT s LIMIT 1 2", "[$1 $9]"), ("SORT s LIMIT -1 -1", "[$-3.5 $1 $9 $10]"),
        ("SORT s LIMIT 4 1", "[]"), ("SORT s LIMIT 0 0", "[]"),
        ("MSET w1 3 w9 2 w10 1", "+OK"), ("SORT s BY w*", "[$-3.5 $10 $9 $1]"),
        ("SORT s BY w* GET # GET w*", "[$-3.5 nil $10 $1 $9 $2 $1 $3]"),
        ("SORT s BY w* ALPHA DESC", "[$1 $9 $10 $-3.5]"),
        ("HSET h1 f z", ":1"),
        ("SORT s LIMIT 1 1 GET h*->f GET h*->g GET h* GET x", "[$z nil nil nil]"),
        ("SORT s BY nosort", "[$-3.5 $1 $10 $9]"),
        ("SORT s BY h*->f", "-ERR One or more scores can't be converted into double"),
        ("SADD s x", ":1"), ("SORT s", "-ERR One or more scores can't be converted into double"),
        ("SORT s LIMIT a 1", notAnInteger), ("SORT s LIMIT 1", syntaxError),
        ("SORT s FOO", syntaxError),
        (
          "SORT s STORE t",
          "-ERR SORT with STORE is not supported: it creates a list, and kvd has no lists"
        ),
        ("SET a 1", "+OK"), ("SORT a", wrongType), ("SORT h1", wrongType),
        ("MULTI", "+OK"), ("SADD n 2 1", "+QUEUED"), ("SORT n", "+QUEUED"),
        ("EXEC", "[:2 [$1 $2]]"),
      ]),
    Conversation(
      "a transaction reads its own writes",
      [
        ("SADD s a b", ":2"), ("MULTI", "+OK"), ("SADD s c", "+QUEUED"), ("SREM s a", "+QUEUED"),
        ("SUNIONSTORE t s", "+QUEUED"), ("SADD t d", "+QUEUED"), ("SINTER s t", "+QUEUED"),
        ("SDIFF t s", "+QUEUED"), ("SMOVE t s d", "+QUEUED"), ("SUNION s t", "+QUEUED"),
        ("SPOP t 5", "+QUEUED"), ("SMEMBERS t", "+QUEUED"), ("SINTERCARD 1 s", "+QUEUED"),
        ("EXEC", "[:1 :1 :2 :1 [$b $c] [$d] :1 [$b $c $d] [$b $c] [] :3]"),
        ("SMEMBERS s", "[$b $c $d]"), ("EXISTS t", ":0"),
      ]),
  ])
  func `every command gives Redis's replies and errors`(conversation: Conversation) throws {
    try conversation.run()
  }

  @Test func `RESP3 has sets, but arrays where members may come twice`() throws {
    try Conversation(
      "RESP3",
      [
        ("SADD s a b", ":2"), ("SMEMBERS s", "~[$a $b]"), ("SMEMBERS none", "~[]"),
        ("SINTER s s", "~[$a $b]"), ("SINTER s none", "~[]"), ("SUNION none", "~[]"),
        ("SDIFF s none", "~[$a $b]"), ("SRANDMEMBER s 2", "[$a $b]"), ("SRANDMEMBER s 0", "[]"),
        ("SMISMEMBER s a", "[:1]"), ("SSCAN s 0", "[$0 [$a $b]]"), ("SPOP s 0", "~[]"),
        ("SPOP none 1", "~[]"), ("SPOP s 2", "~[$a $b]"), ("SPOP s", "nil"),
      ], isRESP3: true
    ).run()
  }

  @Test func `what takes and stores members of large sets does so exactly`() throws {
    let server = try TestServer()
    let client = try server.client()
    let all = (0..<5000).map { "member:\($0)" }
    #expect(try client.ask(["SADD", "all"] + all) == ":5000")
    #expect(try client.ask(["SADD", "even"] + (0..<2500).map { all[2 * $0] }) == ":2500")
    #expect(try client.line("SINTERCARD 2 all even") == ":2500")
    #expect(try client.line("SDIFFSTORE odd all even") == ":2500")
    #expect(try client.line("SINTERCARD 2 odd even") == ":0")
    #expect(try client.line("SUNIONSTORE both odd even") == ":5000")
    #expect(try client.line("SMEMBERS both") == client.line("SMEMBERS all"))
    let popped = try client.line("SPOP both 700").filter { $0 != "[" && $0 != "]" }
    #expect(Set(popped.split(separator: " ")).count == 700)
    #expect(try client.line("SCARD both") == ":4300")
    #expect(try client.line("SINTERCARD 2 both all") == ":4300")
    #expect(try client.line("SRANDMEMBER both -9223372036854775807").contains("reply would be"))
    let rest = try client.line("SPOP both 9999").filter { $0 != "[" && $0 != "]" }
    #expect(Set((popped + " " + rest).split(separator: " ")).count == 5000)
    #expect(try client.line("EXISTS both") == ":0")
  }

  @Test func `a member that is too long is refused, and is in no set`() throws {
    let server = try TestServer()
    let client = try server.client()
    let member = String(repeating: "m", count: 491)
    let refusal = "-ERR member of 491 bytes is too long: use at most 490 bytes"
    #expect(try client.ask("SADD", "s", "a", member) == refusal)
    #expect(try client.ask("EXISTS", "s") == ":0")
    #expect(try client.ask("SISMEMBER", "s", member) == ":0")
    let longest = String(member.dropFirst())
    #expect(try client.ask("SADD", "s", longest) == ":1")
    #expect(try client.ask("SMOVE", "s", "t", member) == ":0")
    #expect(try client.ask("SREM", "s", member) == ":0")
    #expect(try client.ask("SUNION", "s", "t") == "[$\(longest)]")
  }
}
