import Testing

@testable import KVServer

/// The replies and error texts here are those of Redis 7.0.15, checked against one, except for kvd's
/// own commands and limits.
struct ConversationTests {
  @Test(arguments: [
    Conversation(
      "strings",
      [
        ("GET a", "nil"), ("SET a 1", "+OK"), ("GET a", "$1"), ("SET a 2 XX", "+OK"),
        ("SET b 1 XX", "nil"), ("SET b 1 NX GET", "nil"), ("SET b 2 NX", "nil"),
        ("SET b 2 XX GET", "$1"), ("SET b 3 nx get", "$2"), ("GET b", "$2"),
        ("SET b 1 NX XX", "-ERR syntax error"), ("SET b 1 FOO", "-ERR syntax error"),
        ("SETNX b 1", ":0"), ("SETNX c 1", ":1"), ("GETSET c 2", "$1"), ("GETSET d 1", "nil"),
        ("GETDEL d", "$1"), ("GETDEL d", "nil"), ("GET d", "nil"), ("SET e ", "+OK"),
        ("GET e", "$"), ("STRLEN e", ":0"), ("APPEND a xyz", ":4"), ("GET a", "$2xyz"),
        ("APPEND new xyz", ":3"), ("STRLEN a", ":4"), ("STRLEN none", ":0"),
      ]),
    Conversation(
      "many at once",
      [
        ("MSET a 1 b 2", "+OK"), ("MGET a b c", "[$1 $2 nil]"), ("MSETNX a 3 q 4", ":0"),
        ("EXISTS q", ":0"), ("MSETNX q 4 r 5", ":1"), ("MGET q r", "[$4 $5]"),
        ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"),
        ("MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command"),
        ("MSET a 1 a 2", "+OK"), ("GET a", "$2"),
      ]),
    Conversation(
      "counters",
      [
        ("INCR a", ":1"), ("INCR a", ":2"), ("DECR a", ":1"), ("INCRBY a 10", ":11"),
        ("DECRBY a 12", ":-1"), ("GET a", "$-1"),
        ("INCRBY a x", "-ERR value is not an integer or out of range"),
        ("INCRBY a 01", "-ERR value is not an integer or out of range"),
        ("INCRBY a 9223372036854775808", "-ERR value is not an integer or out of range"),
        ("SET s foo", "+OK"), ("INCR s", "-ERR value is not an integer or out of range"),
        ("SET m 9223372036854775807", "+OK"),
        ("INCR m", "-ERR increment or decrement would overflow"),
        ("DECRBY m -9223372036854775808", "-ERR decrement would overflow"),
        ("GET m", "$9223372036854775807"), ("SET n -9223372036854775808", "+OK"),
        ("DECR n", "-ERR increment or decrement would overflow"),
        ("INCR n", ":-9223372036854775807"),
      ]),
    Conversation(
      "keyspace",
      [
        ("DEL a", ":0"), ("MSET a 1 b 2 c 3", "+OK"), ("EXISTS a a x", ":2"), ("TYPE a", "+string"),
        ("TYPE x", "+none"), ("DEL a b a x", ":2"), ("UNLINK c", ":1"), ("DBSIZE", ":0"),
        ("RANDOMKEY", "nil"), ("SET only 1", "+OK"), ("RANDOMKEY", "$only"), ("DBSIZE", ":1"),
        ("MSET key:1 a key:2 b other c", "+OK"), ("KEYS key:*", "[$key:1 $key:2]"),
        ("KEYS *[^er]", "[$key:1 $key:2 $only]"), ("KEYS nothing", "[]"),
        ("FLUSHDB FOO", "-ERR syntax error"), ("FLUSHALL ASYNC", "+OK"), ("DBSIZE", ":0"),
        ("SET a 1", "+OK"), ("FLUSHDB SYNC", "+OK"), ("GET a", "nil"),
      ]),
    Conversation(
      "scan",
      [
        ("SCAN 0", "[$0 []]"), ("MSET k1 a k2 b k3 c z d", "+OK"),
        ("SCAN 0 COUNT 100", "[$0 [$k1 $k2 $k3 $z]]"), ("SCAN 0 MATCH k*", "[$0 [$k1 $k2 $k3]]"),
        ("SCAN 0 TYPE list", "[$0 []]"), ("SCAN 0 TYPE string MATCH z", "[$0 [$z]]"),
        ("SCAN x", "-ERR invalid cursor"), ("SCAN - COUNT 1", "-ERR invalid cursor"),
        ("SCAN -00 COUNT 0", "-ERR syntax error"), ("SCAN 0 COUNT 0", "-ERR syntax error"),
        ("SCAN 0 COUNT x", "-ERR value is not an integer or out of range"),
        ("SCAN 0 MATCH", "-ERR syntax error"), ("SCAN 0 FOO bar", "-ERR syntax error"),
        ("SCAN 12345678901234567", "[$0 [$k1 $k2 $k3 $z]]"),
      ]),
    Conversation(
      "connection",
      [
        ("PING", "+PONG"), ("PING hi", "$hi"),
        ("PING a b", "-ERR wrong number of arguments for 'ping' command"), ("ECHO hi", "$hi"),
        ("SELECT 0", "+OK"), ("SELECT 16", "-ERR DB index is out of range"),
        (
          "SELECT 2147483648",
          "-ERR value is out of range, value must between -2147483648 and 2147483647"
        ),
        ("SELECT x", "-ERR value is not an integer or out of range"), ("CLIENT GETNAME", "nil"),
        ("CLIENT SETNAME me", "+OK"), ("CLIENT GETNAME", "$me"),
        (
          "CLIENT SETNAME a\nb",
          "-ERR Client names cannot contain spaces, newlines or special characters."
        ),
        ("CLIENT SETINFO LIB-NAME redis-py", "+OK"), ("CLIENT ID", ":1"),
        ("CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP."),
        ("HELLO 4", "-NOPROTO unsupported protocol version"),
        ("HELLO x", "-ERR Protocol version is not an integer or out of range"),
        ("HELLO 3 FOO", "-ERR Syntax error in HELLO option 'FOO'"),
        (
          "HELLO 3 AUTH u p", "-WRONGPASS invalid username-password pair or user is disabled."
        ),
        (
          "HELLO 3 SETNAME you",
          "{$server $redis $version $7.0.15 $proto :3 $id :1 $mode $standalone $role $master "
            + "$modules []}"
        ),
        ("CLIENT GETNAME", "$you"), ("CONFIG GET save", "{$save $}"),
        ("CONFIG GET appendo*", "{$appendonly $yes}"), ("RESET", "+RESET"),
        ("CONFIG GET save", "[$save $]"), ("CLIENT GETNAME", "nil"),
      ]),
    Conversation(
      "unknown commands",
      [
        ("foo", "-ERR unknown command 'foo', with args beginning with: "),
        ("foo a b", "-ERR unknown command 'foo', with args beginning with: 'a' 'b' "),
      ]),
    Conversation(
      "transactions",
      [
        ("EXEC", "-ERR EXEC without MULTI"), ("DISCARD", "-ERR DISCARD without MULTI"),
        ("MULTI", "+OK"), ("MULTI", "-ERR MULTI calls can not be nested"), ("SET a 1", "+QUEUED"),
        ("INCR a", "+QUEUED"), ("GET a", "+QUEUED"), ("EXEC", "[+OK :2 $2]"),
        ("MULTI", "+OK"), ("EXEC", "[]"), ("MULTI", "+OK"), ("SET a 9", "+QUEUED"),
        ("DISCARD", "+OK"), ("GET a", "$2"), ("MULTI", "+OK"),
        ("FOO", "-ERR unknown command 'FOO', with args beginning with: "), ("SET a 3", "+QUEUED"),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors."), ("GET a", "$2"),
        ("MULTI", "+OK"), ("GET", "-ERR wrong number of arguments for 'get' command"),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
        ("SET s foo", "+OK"), ("MULTI", "+OK"), ("INCR s", "+QUEUED"), ("SET b 1", "+QUEUED"),
        ("EXEC", "[-ERR value is not an integer or out of range +OK]"), ("GET b", "$1"),
        ("MULTI", "+OK"), ("MSET x 1 y 2", "+QUEUED"), ("MGET x y z", "+QUEUED"),
        ("DEL x", "+QUEUED"), ("EXISTS x y", "+QUEUED"), ("FLUSHALL", "+QUEUED"),
        ("GET y", "+QUEUED"), ("SET q 1", "+QUEUED"), ("PING", "+QUEUED"),
        ("EXEC", "[+OK [$1 $2 nil] :1 :1 +OK nil +OK +PONG]"), ("KEYS *", "[$q]"),
        ("MULTI", "+OK"), ("INFO", "-ERR Command not allowed inside a transaction: INFO"),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
      ]),
    Conversation(
      "scans inside a transaction",
      [
        ("MSET a 1 b 2 c 3", "+OK"), ("MULTI", "+OK"), ("DBSIZE", "+QUEUED"),
        ("SET d 4", "+QUEUED"),
        ("DEL a", "+QUEUED"), ("SET b 9", "+QUEUED"), ("KEYS *", "+QUEUED"), ("DBSIZE", "+QUEUED"),
        ("KV.RANGE b d", "+QUEUED"), ("KV.REVRANGE - + LIMIT 2 KEYS", "+QUEUED"),
        ("KV.PREFIX b", "+QUEUED"), ("SCAN 0 MATCH [bd]", "+QUEUED"), ("KV.SEQ a", "+QUEUED"),
        ("KV.DELRANGE - +", "+QUEUED"), ("DBSIZE", "+QUEUED"), ("RANDOMKEY", "+QUEUED"),
        ("SET e 5", "+QUEUED"), ("RANDOMKEY", "+QUEUED"), ("KEYS *", "+QUEUED"),
        (
          "EXEC",
          "[:3 +OK :1 +OK [$b $c $d] :3 [$b $9 $c $3] [$d $c] [$b $9] [$0 [$b $d]] :0 +OK :0 nil "
            + "+OK $e [$e]]"
        ),
        ("KEYS *", "[$e]"), ("DBSIZE", ":1"),
      ]),
    Conversation(
      "watching",
      [
        ("WATCH a", "+OK"), ("SET a 1", "+OK"), ("MULTI", "+OK"), ("SET a 2", "+QUEUED"),
        ("EXEC", "nil"), ("GET a", "$1"), ("WATCH a", "+OK"), ("SET a 3", "+OK"),
        ("UNWATCH", "+OK"), ("MULTI", "+OK"), ("SET a 2", "+QUEUED"), ("EXEC", "[+OK]"),
        ("WATCH a b", "+OK"), ("MULTI", "+OK"),
        ("WATCH c", "-ERR WATCH inside MULTI is not allowed"),
        ("INCR a", "+QUEUED"), ("EXEC", "[:3]"), ("WATCH a", "+OK"), ("SET a 1", "+OK"),
        ("MULTI", "+OK"), ("DISCARD", "+OK"), ("MULTI", "+OK"), ("GET a", "+QUEUED"),
        ("EXEC", "[$1]"),
      ]),
    Conversation(
      "ordered ranges",
      [
        ("KV.RANGE - +", "[]"), ("MSET a 1 b 2 c 3 d 4", "+OK"),
        ("KV.RANGE - +", "[$a $1 $b $2 $c $3 $d $4]"), ("KV.RANGE b d KEYS", "[$b $c]"),
        ("KV.RANGE b + LIMIT 1", "[$b $2]"), ("KV.RANGE d b", "[]"), ("KV.RANGE + -", "[]"),
        ("KV.REVRANGE a d LIMIT 2 KEYS", "[$c $b]"), ("KV.RANGE - + LIMIT 0", "[]"),
        ("KV.RANGE - + LIMIT x", "-ERR value is not an integer or out of range"),
        ("KV.RANGE - + LIMIT 100001", "-ERR LIMIT exceeds the maximum of 100000"),
        ("KV.RANGE - + FOO", "-ERR syntax error"), ("SET - minus", "+OK"), ("GET -", "$minus"),
        ("KV.RANGE =- =.", "[$- $minus]"), ("MSET p:1 a p:2 b q c", "+OK"),
        ("KV.PREFIX p:", "[$p:1 $a $p:2 $b]"), ("KV.PREFIX p: REV KEYS", "[$p:2 $p:1]"),
        ("KV.PREFIX p: LIMIT 1", "[$p:1 $a]"), ("KV.DELPREFIX p:", "+OK"),
        ("KV.PREFIX p:", "[]"), ("KV.DELRANGE a c", "+OK"), ("KV.RANGE a +", "[$c $3 $d $4 $q $c]"),
        ("KV.DELRANGE c a", "+OK"), ("KV.DELRANGE - +", "+OK"), ("DBSIZE", ":0"),
        ("KV.SEQ none", ":0"), ("KV.CHECKPOINT", "+OK"),
      ]),
    Conversation(
      "batches with conditions",
      [
        ("KV.BATCH SET a 1 SET b 2", "+OK"), ("MGET a b", "[$1 $2]"),
        ("KV.BATCH IF c ABSENT IF a PRESENT SET c 3 DEL b", "+OK"), ("MGET a b c", "[$1 nil $3]"),
        (
          "KV.BATCH IF none PRESENT SET a 9",
          "-CASFAIL IF 'none' PRESENT does not hold: the key is absent"
        ),
        (
          "KV.BATCH IF none SEQ 7 SET a 9",
          "-CASFAIL IF 'none' SEQ 7 does not hold: the key is absent"
        ),
        ("GET a", "$1"), ("KV.BATCH IF a FOO SET a 1", "-ERR syntax error"),
        ("KV.BATCH SET a", "-ERR syntax error"),
        ("KV.BATCH SET a 1 SET", "-ERR syntax error"), ("KV.BATCH FOO a b", "-ERR syntax error"),
        ("KV.BATCH IF a SEQ x", "-ERR sequence number is not an integer or out of range"),
        ("KV.BATCH DELRANGE a b SET z 1", "+OK"), ("MGET a c z", "[nil $3 $1]"),
        ("KV.BATCH DELPREFIX z DEL c", "+OK"), ("DBSIZE", ":0"),
        ("KV.BATCH IF a SEQ 0 SET a 1", "+OK"), ("GET a", "$1"),
      ]),
  ])
  func `every command gives Redis's replies and errors`(conversation: Conversation) throws {
    try conversation.run()
  }

  @Test func `too few or too many arguments are refused by name`() throws {
    let server = try TestServer()
    let client = try server.client()
    for command in CommandTable.standard.commands where command.arity != -1 {
      let count = command.arity > 0 ? command.arity + 1 : -command.arity - 1
      let name = command.name.uppercased().split(separator: "|").map(String.init)
      let words = name + Array(repeating: "x", count: max(0, count - name.count))
      guard words.count == count else { continue }
      let expected =
        command.name == "exec"
        ? "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command"
        : "-ERR wrong number of arguments for '\(command.name)' command"
      #expect(try client.ask(words) == expected)
    }
  }

  @Test func `a sequence number makes compare-and-set`() throws {
    let server = try TestServer()
    let client = try server.client()
    _ = try client.ask("SET", "a", "1")
    let sequence = String(try client.ask("KV.SEQ", "a").dropFirst())
    #expect(try client.ask("KV.BATCH", "IF", "a", "SEQ", sequence, "SET", "a", "2") == "+OK")
    let second = try client.ask("KV.BATCH", "IF", "a", "SEQ", sequence, "SET", "a", "3")
    #expect(second.hasPrefix("-CASFAIL IF 'a' SEQ \(sequence) does not hold: its sequence number"))
    #expect(try client.ask("GET", "a") == "$2")
  }

  @Test func `SCAN returns every key exactly once whatever its COUNT`() throws {
    let server = try TestServer()
    let client = try server.client()
    let keys = (0..<95).map { "key:\($0)" }
    #expect(try client.ask(["MSET"] + keys.flatMap { [$0, "v"] }) == "+OK")
    for count in [1, 7, 95, 96] {
      var found: [String] = []
      var cursor = "0"
      repeat {
        let reply = try client.ask("SCAN", cursor, "COUNT", String(count))
        let words = reply.filter { $0 != "[" && $0 != "]" }.split(separator: " ")
        cursor = String(words[0].dropFirst())
        found += words.dropFirst().map { String($0.dropFirst()) }
      } while cursor != "0"
      #expect(found.sorted() == keys.sorted())
    }
  }

  @Test func `INFO and CLIENT LIST tell what they are asked`() throws {
    let server = try TestServer()
    let client = try server.client()
    let all = try client.ask("INFO")
    for title in ["# Server", "# Clients", "# Stats", "# Replication", "# Keyspace", "# kvd"] {
      #expect(all.contains(title + "\r\n"))
    }
    #expect(try client.ask("INFO", "clients").contains("connected_clients:1\r\n"))
    #expect(try !client.ask("INFO", "clients").contains("# Server"))
    _ = try client.ask("CLIENT", "SETNAME", "me")
    #expect(try client.ask("CLIENT", "LIST").contains(" name=me "))
    #expect(try client.ask("COMMAND", "COUNT") == ":\(CommandTable.standard.topLevelCount)")
    #expect(try client.ask("COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2") == "[$a $b]")
    #expect(try client.ask("COMMAND", "INFO", "nothing") == "[nil]")
    #expect(
      try client.ask("COMMAND", "GETKEYSANDFLAGS", "SET", "a", "1", "GET")
        == "[[$a [+RW +access +update]]]")
  }
}
