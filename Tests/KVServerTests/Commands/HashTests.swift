import Testing

private let wrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value"
private let notAnInteger = "-ERR value is not an integer or out of range"

/// The replies of hash commands, as redis-server 7.0.15 gives them, but for the order of fields.
struct HashTests {
  @Test(arguments: [
    Conversation(
      "fields are set, read and deleted",
      [
        ("HSET h b 2 a 1 b 3", ":2"), ("HSET h a 1", ":0"), ("HSET h c 4 a 0", ":1"),
        ("HGET h a", "$0"), ("HGET h none", "nil"), ("HGET none a", "nil"),
        ("HGETALL h", "[$a $0 $b $3 $c $4]"), ("HGETALL none", "[]"), ("HKEYS h", "[$a $b $c]"),
        ("HVALS h", "[$0 $3 $4]"), ("HKEYS none", "[]"), ("HVALS none", "[]"),
        ("HMGET h c x a c", "[$4 nil $0 $4]"), ("HMGET none a b", "[nil nil]"), ("HLEN h", ":3"),
        ("HLEN none", ":0"), ("HEXISTS h a", ":1"), ("HEXISTS h x", ":0"),
        ("HEXISTS none x", ":0"), ("HSTRLEN h a", ":1"), ("HSTRLEN h x", ":0"),
        ("HSTRLEN none x", ":0"), ("HMSET h d 5 a 6", "+OK"), ("HSETNX h a 7", ":0"),
        ("HSETNX h e 8", ":1"), ("HSETNX new a 1", ":1"), ("HDEL h a a x", ":1"),
        ("HDEL none a", ":0"), ("TYPE h", "+hash"), ("HDEL h b c d e", ":4"), ("TYPE h", "+none"),
        ("EXISTS h", ":0"), ("DBSIZE", ":1"), ("KEYS *", "[$new]"), ("SCAN 0", "[$0 [$new]]"),
        ("HSET h  1", ":1"), ("HGETALL h", "[$ $1]"), ("DEL h new", ":2"), ("DBSIZE", ":0"),
      ]),
    Conversation(
      "malformed requests",
      [
        ("SET s x", "+OK"), ("HSET h a", "-ERR wrong number of arguments for 'hset' command"),
        ("HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command"),
        ("HSET s a 1 b", "-ERR wrong number of arguments for 'hset' command"),
        ("HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command"),
        ("HSET s a 1", wrongType), ("HMSET s a 1", wrongType), ("HSETNX s a 1", wrongType),
        ("HGET s a", wrongType), ("HMGET s a", wrongType), ("HGETALL s", wrongType),
        ("HKEYS s", wrongType), ("HVALS s", wrongType), ("HDEL s a", wrongType),
        ("HLEN s", wrongType), ("HEXISTS s a", wrongType), ("HSTRLEN s a", wrongType),
        ("HINCRBY s a 1", wrongType), ("HINCRBYFLOAT s a 1", wrongType), ("HSCAN s 0", wrongType),
        ("HRANDFIELD s", wrongType), ("HRANDFIELD s 2", wrongType),
        ("KV.HRANGE s - +", wrongType), ("KV.HPREFIX s a", wrongType), ("GET s", "$x"),
      ]),
    Conversation(
      "string commands on a hash",
      [
        ("HSET h a 1", ":1"), ("GET h", wrongType), ("MGET h none", "[nil nil]"),
        ("APPEND h x", wrongType), ("STRLEN h", wrongType), ("GETSET h x", wrongType),
        ("GETDEL h", wrongType), ("INCR h", wrongType), ("SETNX h 1", ":0"),
        ("MSETNX h 1", ":0"), ("SET h 1 GET", wrongType), ("GETRANGE h 0 1", wrongType),
        ("SETBIT h 0 1", wrongType), ("HGETALL h", "[$a $1]"), ("SET h 1 XX", "+OK"),
        ("GET h", "$1"), ("HGET h a", wrongType), ("DEL h", ":1"), ("HSET h b 2", ":1"),
        ("HGETALL h", "[$b $2]"), ("MSET h 1 i 2", "+OK"), ("GET h", "$1"),
        ("UNLINK h", ":1"), ("HSET h c 3", ":1"), ("KV.BATCH SET h 1", "+OK"), ("GET h", "$1"),
        ("KV.BATCH DEL h", "+OK"), ("HSET h d 4", ":1"), ("HGETALL h", "[$d $4]"),
        ("FLUSHALL", "+OK"), ("HGETALL h", "[]"), ("HSET h e 5", ":1"), ("HLEN h", ":1"),
      ]),
    Conversation(
      "counting",
      [
        ("HINCRBY h n 5", ":5"), ("HINCRBY h n -7", ":-2"), ("HGET h n", "$-2"),
        ("HSET h t text e  i 9223372036854775807", ":3"),
        ("HINCRBY h t 1", "-ERR hash value is not an integer"),
        ("HINCRBY h e 1", "-ERR hash value is not an integer"),
        ("HINCRBY h n x", notAnInteger), ("HINCRBY s n 1.5", notAnInteger),
        ("HINCRBY h i 1", "-ERR increment or decrement would overflow"),
        ("HGET h i", "$9223372036854775807"), ("HINCRBYFLOAT h f 10.50", "$10.5"),
        ("HINCRBYFLOAT h f 0.1", "$10.6"), ("HINCRBYFLOAT h f -5", "$5.6"),
        ("HINCRBYFLOAT h n 2", "$0"),
        ("HINCRBYFLOAT h f x", "-ERR value is not a valid float"),
        ("HINCRBYFLOAT h f nan", "-ERR value is not a valid float"),
        ("HINCRBYFLOAT h f inf", "-ERR value is NaN or Infinity"),
        ("HINCRBYFLOAT h t 1", "-ERR hash value is not a float"), ("HLEN h", ":5"),
      ]),
    Conversation(
      "random fields",
      [
        ("HRANDFIELD none", "nil"), ("HRANDFIELD none 5", "[]"),
        ("HRANDFIELD none -5 WITHVALUES", "[]"), ("HSET h a 1", ":1"), ("HRANDFIELD h", "$a"),
        ("HRANDFIELD h 0", "[]"), ("HRANDFIELD h 9", "[$a]"), ("HRANDFIELD h -3", "[$a $a $a]"),
        ("HRANDFIELD h 9 WITHVALUES", "[$a $1]"), ("HRANDFIELD h -2 withvalues", "[$a $1 $a $1]"),
        ("HRANDFIELD h x", notAnInteger), ("HRANDFIELD h 9223372036854775808", notAnInteger),
        ("HRANDFIELD h 1 FOO", "-ERR syntax error"),
        ("HRANDFIELD h 1 WITHVALUES x", "-ERR syntax error"),
        (
          "HRANDFIELD h -9223372036854775808",
          "-ERR value is out of range, value must between -9223372036854775807 and "
            + "9223372036854775807"
        ),
        ("HRANDFIELD h 4611686018427387904 WITHVALUES", "-ERR value is out of range"),
        ("HRANDFIELD h -4611686018427387904 WITHVALUES", "-ERR value is out of range"),
      ]),
    Conversation(
      "scanning",
      [
        ("HSCAN none 0", "[$0 []]"), ("HSCAN none 0 COUNT x", "[$0 []]"),
        ("HSCAN none x", "-ERR invalid cursor"), ("HSET h b 2 a 1 c 3", ":3"),
        ("HSCAN h 0", "[$0 [$a $1 $b $2 $c $3]]"),
        ("HSCAN h 0 COUNT 1", "[$0 [$a $1 $b $2 $c $3]]"),
        ("HSCAN h 0 MATCH [bc]", "[$0 [$b $2 $c $3]]"), ("HSCAN h 0 MATCH x*", "[$0 []]"),
        ("HSCAN h ", "[$0 [$a $1 $b $2 $c $3]]"), ("HSCAN none -5", "[$0 []]"),
        ("HSCAN h x", "-ERR invalid cursor"), ("HSCAN h 0 COUNT", "-ERR syntax error"),
        ("HSCAN h 0 COUNT 0", "-ERR syntax error"), ("HSCAN h 0 COUNT x", notAnInteger),
        ("HSCAN h 0 TYPE string", "-ERR syntax error"),
      ]),
    Conversation(
      "ordered ranges of fields",
      [
        ("KV.HRANGE none - +", "[]"), ("HSET h a 1 b 2 ba 3 c 4", ":4"),
        ("KV.HRANGE h - +", "[$a $1 $b $2 $ba $3 $c $4]"), ("KV.HRANGE h b c", "[$b $2 $ba $3]"),
        ("KV.HRANGE h - + REV LIMIT 2", "[$c $4 $ba $3]"),
        ("KV.HRANGE h b + FIELDS", "[$b $ba $c]"),
        ("KV.HRANGE h c a", "[]"), ("KV.HRANGE h - + LIMIT 0", "[]"),
        ("KV.HPREFIX h b", "[$b $2 $ba $3]"), ("KV.HPREFIX h b REV LIMIT 1 FIELDS", "[$ba]"),
        ("KV.HPREFIX h x", "[]"), ("KV.HRANGE h - + FOO", "-ERR syntax error"),
        ("KV.HRANGE h - + LIMIT x", notAnInteger),
        ("KV.HRANGE h - + LIMIT 100001", "-ERR LIMIT exceeds the maximum of 100000"),
        ("SET k v", "+OK"), ("KV.RANGE - +", "[$h nil $k $v]"), ("KV.RANGE - + KEYS", "[$h $k]"),
        ("SCAN 0 TYPE hash", "[$0 [$h]]"), ("SCAN 0 TYPE STRING", "[$0 [$k]]"),
      ]),
    Conversation(
      "a transaction reads its own writes",
      [
        ("HSET h a 1", ":1"), ("MULTI", "+OK"), ("HSET h b 2 c 3", "+QUEUED"),
        ("HGETALL h", "+QUEUED"), ("HLEN h", "+QUEUED"), ("HDEL h a b", "+QUEUED"),
        ("HMGET h a c", "+QUEUED"), ("HINCRBY h c 4", "+QUEUED"), ("GET h", "+QUEUED"),
        ("HSCAN h 0", "+QUEUED"), ("HRANDFIELD h 2", "+QUEUED"), ("KV.HRANGE h - +", "+QUEUED"),
        ("DEL h", "+QUEUED"), ("HGETALL h", "+QUEUED"), ("HSET h z 9", "+QUEUED"),
        ("HGETALL h", "+QUEUED"), ("TYPE h", "+QUEUED"),
        (
          "EXEC",
          "[:2 [$a $1 $b $2 $c $3] :3 :2 [nil $3] :7 \(wrongType) [$0 [$c $7]] [$c] [$c $7] :1 [] "
            + ":1 [$z $9] +hash]"
        ),
        ("HGETALL h", "[$z $9]"), ("WATCH h", "+OK"), ("HSET h y 1", ":1"), ("MULTI", "+OK"),
        ("HLEN h", "+QUEUED"), ("EXEC", "nil"), ("WATCH h", "+OK"), ("HDEL h none", ":0"),
        ("MULTI", "+OK"), ("HLEN h", "+QUEUED"), ("EXEC", "[:2]"),
      ]),
  ])
  func `every command gives Redis's replies and errors`(conversation: Conversation) throws {
    try conversation.run()
  }

  @Test func `RESP3 has maps, and pairs of fields with values`() throws {
    let server = try TestServer()
    let client = try server.client()
    _ = try client.line("HELLO 3")
    _ = try client.line("HSET h a 1 b 2")
    #expect(try client.line("HGETALL h") == "{$a $1 $b $2}")
    #expect(try client.line("HGETALL none") == "{}")
    #expect(try client.line("HGET h none") == "nil")
    #expect(try client.line("HRANDFIELD h 2 WITHVALUES") == "[[$a $1] [$b $2]]")
    #expect(try client.line("HRANDFIELD h 2") == "[$a $b]")
    #expect(try client.line("HSCAN h 0") == "[$0 [$a $1 $b $2]]")
  }

  @Test func `more random fields than a reply can hold are refused at once`() throws {
    let server = try TestServer()
    let client = try server.client()
    _ = try client.line("HSET h a 1")
    let reply = try client.line("HRANDFIELD h -9223372036854775807")
    #expect(reply.contains("reply would be larger than"))
    #expect(try client.line("HLEN h") == ":1")
  }

  @Test func `HSCAN returns every field of a large hash exactly once`() throws {
    let server = try TestServer()
    let client = try server.client()
    let fields = (0..<1000).map { "field:\($0)" }
    #expect(try client.ask(["HSET", "h"] + fields.flatMap { [$0, "v"] }) == ":1000")
    for count in [7, 100, 1000, 1001] {
      var found: [String] = []
      var cursor = "0"
      repeat {
        let reply = try client.ask("HSCAN", "h", cursor, "COUNT", String(count))
        let words = reply.filter { $0 != "[" && $0 != "]" }.split(separator: " ")
        cursor = String(words[0].dropFirst())
        found += words.dropFirst().map { String($0.dropFirst()) }.filter { $0 != "v" }
        #expect(words.count <= 2 * count + 1)
      } while cursor != "0"
      #expect(found.sorted() == fields.sorted())
    }
    #expect(try client.line("HSCAN h 12345") == client.line("HSCAN h 0"))
  }

  @Test func `a field that is too long is refused, and is in no hash`() throws {
    let server = try TestServer()
    let client = try server.client()
    let field = String(repeating: "f", count: 491)
    let refusal = "-ERR field of 491 bytes is too long: use at most 490 bytes"
    for command in [
      ["HSET", "h", "a", "1", field, "2"], ["HMSET", "h", field, "1"], ["HSETNX", "h", field, "1"],
      ["HINCRBY", "h", field, "1"], ["HINCRBYFLOAT", "h", field, "1"],
    ] {
      #expect(try client.ask(command) == refusal)
    }
    #expect(try client.ask("EXISTS", "h") == ":0")
    #expect(try client.ask("HGET", "h", field) == "nil")
    #expect(try client.ask("HDEL", "h", field) == ":0")
    let longest = String(field.dropFirst())
    #expect(try client.ask("HSET", "h", longest, "1") == ":1")
    #expect(try client.ask("HKEYS", "h") == "[$\(longest)]")
  }
}
