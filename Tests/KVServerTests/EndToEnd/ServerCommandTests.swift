import Testing

@testable import KVServer

/// Replies and error texts of Redis 7.0.15, compared with one, but for what the text of an error says of
/// kvd itself.
struct ServerCommandTests {
  private static let failed = "-ERR CONFIG SET failed (possibly related to argument"

  @Test(arguments: [
    Conversation(
      "configuration",
      [
        ("CONFIG GET", "-ERR wrong number of arguments for 'config|get' command"),
        ("CONFIG GET nothing", "[]"), ("CONFIG GET MaxClients", "[$MaxClients $10000]"),
        ("CONFIG GET timeout tcp-k* TIMEOUT", "[$timeout $0 $tcp-keepalive $300]"),
        ("CONFIG SET timeout 7 maxclients 90", "+OK"),
        ("CONFIG GET maxclients timeout", "[$maxclients $90 $timeout $7]"),
        (
          "CONFIG SET timeout 1 maxclients x",
          "\(failed) 'maxclients') - argument couldn't be parsed into an integer"
        ),
        (
          "CONFIG SET timeout 1 foo 2",
          "-ERR Unknown option or number of arguments for CONFIG SET - 'foo'"
        ),
        ("CONFIG SET timeout 1 timeout 2", "\(failed) 'timeout') - duplicate parameter"),
        ("CONFIG SET timeout 1 port 2", "\(failed) 'port') - can't set immutable config"),
        ("CONFIG SET timeout 1 dir /", "\(failed) 'dir') - can't set protected config"),
        (
          "CONFIG SET timeout -1",
          "\(failed) 'timeout') - argument must be between 0 and 2147483647 inclusive"
        ),
        (
          "CONFIG SET latency-tracking 1",
          "\(failed) 'latency-tracking') - argument must be 'yes' or 'no'"
        ),
        (
          "CONFIG SET maxmemory-clients x",
          "\(failed) 'maxmemory-clients') - argument must be a memory value"
        ),
        (
          "CONFIG SET latency-tracking-info-percentiles 101",
          "\(failed) 'latency-tracking-info-percentiles') - latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
        ),
        (
          "CONFIG SET client-output-buffer-limit foo",
          "\(failed) 'client-output-buffer-limit') - Wrong number of arguments in buffer limit configuration."
        ),
        ("CONFIG SET hash-max-ziplist-entries 2 hash-max-listpack-value 3", "+OK"),
        ("CONFIG GET hash-max-listpack-entries", "[$hash-max-listpack-entries $2]"),
        ("CONFIG GET hash-max-ziplist-value", "[$hash-max-ziplist-value $3]"),
        ("HSET h a 123 b 1", ":2"), ("OBJECT ENCODING h", "$listpack"),
        ("HSET h b 1234", ":0"), ("OBJECT ENCODING h", "$hashtable"),
        ("HSET h b 1 c 1", ":1"), ("OBJECT ENCODING h", "$hashtable"),
        ("CONFIG SET set-max-intset-entries 1", "+OK"),
        ("SADD s 1", ":1"), ("OBJECT ENCODING s", "$intset"),
        ("SADD s 2", ":1"), ("OBJECT ENCODING s", "$hashtable"),
        ("CONFIG SET appendonly yes", "+OK"),
        ("CONFIG GET appendonly", "[$appendonly $yes]"), ("CONFIG SET appendonly no", "+OK"),
        ("CONFIG GET appendonly", "[$appendonly $no]"),
        ("CONFIG SET appendonly maybe", "\(failed) 'appendonly') - argument must be 'yes' or 'no'"),
        ("CONFIG GET hz", "[$hz $10]"), ("CONFIG SET hz 100 dynamic-hz no", "+OK"),
        ("CONFIG GET hz", "[$hz $100]"),
        ("CONFIG SET slave-priority 7", "+OK"),
        ("CONFIG GET replica-priority", "[$replica-priority $7]"),
        ("CONFIG SET save 900", "\(failed) 'save') - Invalid save parameters"),
        (
          "CONFIG SET loglevel loud",
          "\(failed) 'loglevel') - argument(s) must be one of the following: debug, verbose, notice, warning"
        ),
        ("CONFIG SET daemonize yes", "\(failed) 'daemonize') - can't set immutable config"),
        ("CONFIG SET dbfilename x", "\(failed) 'dbfilename') - can't set protected config"),
        ("CONFIG SET databases 16", "\(failed) 'databases') - can't set immutable config"),
        ("CONFIG GET databases", "[$databases $1]"),
        (
          "CONFIG SET maxmemory-policy allkeys-lru",
          "\(failed) 'maxmemory-policy') - only 'noeviction' is supported: nothing is ever evicted"
        ),
        (
          "CONFIG SET replicaof a",
          "\(failed) 'replicaof') - is not supported (there is no replication): it must be empty"
        ),
        ("CONFIG SET timeout", "-ERR wrong number of arguments for 'config|set' command"),
        ("CONFIG SET timeout 1 maxclients", "-ERR syntax error"),
        ("CONFIG GET timeout", "[$timeout $7]"),
        ("CONFIG REWRITE", "-ERR The server is running without a config file"),
        ("CONFIG REWRITE x", "-ERR wrong number of arguments for 'config|rewrite' command"),
        ("CONFIG RESETSTAT", "+OK"),
        ("CONFIG foo", "-ERR unknown subcommand 'foo'. Try CONFIG HELP."),
      ]),
    Conversation(
      "what makes no sense",
      [
        ("REPLICAOF NO ONE", "+OK"), ("SLAVEOF no one", "+OK"),
        ("REPLICAOF localhost 1", "-ERR REPLICAOF is not supported: kvd has no replication"),
        ("REPLICAOF a", "-ERR wrong number of arguments for 'replicaof' command"),
        ("FAILOVER", "-ERR FAILOVER requires connected replicas."),
        ("FAILOVER ABORT", "-ERR No failover in progress."),
        ("CLUSTER INFO", "-ERR This instance has cluster support disabled"),
        ("MODULE LIST", "[]"),
        ("SUBSCRIBE", "-ERR wrong number of arguments for 'subscribe' command"),
        (
          "SUBSCRIBE a",
          "-ERR SUBSCRIBE is not supported: kvd has no publish/subscribe"
        ),
        ("FCALL f 0", "-ERR Function not found"), ("FCALL_RO f 0", "-ERR Function not found"),
        ("FUNCTION FLUSH", "+OK"), ("FUNCTION FLUSH ASYNC", "+OK"), ("FUNCTION FLUSH SYNC", "+OK"),
        ("FUNCTION FLUSH x", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option"),
        ("FUNCTION LIST", "[]"), ("FUNCTION LIST WITHCODE LIBRARYNAME *", "[]"),
        ("FUNCTION LIST x", "-ERR Unknown argument x"),
        ("FUNCTION LIST LIBRARYNAME", "-ERR library name argument was not given"),
        (
          "FUNCTION STATS",
          "[$running_script nil $engines [$LUA [$libraries_count :0 $functions_count :0]]]"
        ),
        ("FUNCTION DELETE l", "-ERR Library not found"),
        ("FUNCTION KILL", "-NOTBUSY No scripts in execution right now."),
        ("FUNCTION RESTORE x", "-ERR DUMP payload version or checksum are wrong"),
        (
          "FUNCTION RESTORE \(String(repeating: "x", count: 100_000))",
          "-ERR FUNCTION RESTORE of functions is not supported: kvd has no functions; use EVAL, or SCRIPT LOAD and EVALSHA"
        ),
        (
          "FUNCTION LOAD x",
          "-ERR FUNCTION LOAD is not supported: kvd has no functions; use EVAL, or SCRIPT LOAD and EVALSHA"
        ),
        ("PSYNC a b", "-ERR unknown command 'PSYNC', with args beginning with: 'a' 'b' "),
      ]),
    Conversation(
      "small ones",
      [
        ("ROLE", "[$master :0 []]"), ("LOLWUT", "$Redis ver. 7.0.15\n"),
        ("LOLWUT VERSION x", "-ERR value is not an integer or out of range"),
        ("WAIT 0 0", ":0"), ("WAIT 1 1", ":0"), ("WAIT -1 0", ":0"),
        ("WAIT a 1", "-ERR value is not an integer or out of range"),
        ("WAIT 1 a", "-ERR timeout is not an integer or out of range"),
        ("WAIT 1 -1", "-ERR timeout is negative"),
        ("WAIT 1", "-ERR wrong number of arguments for 'wait' command"),
        ("MULTI", "+OK"), ("WAIT 1 0", "+QUEUED"), ("EXEC", "[:0]"),
        ("SHUTDOWN ABORT", "-ERR No shutdown in progress."), ("SHUTDOWN foo", "-ERR syntax error"),
        ("SHUTDOWN SAVE NOSAVE", "-ERR syntax error"), ("SHUTDOWN ABORT NOW", "-ERR syntax error"),
        ("BGSAVE foo", "-ERR syntax error"), ("SAVE", "+OK"), ("SAVE", "+OK"),
        ("LASTSAVE x", "-ERR wrong number of arguments for 'lastsave' command"),
        ("TIME x", "-ERR wrong number of arguments for 'time' command"),
        ("MONITOR x", "-ERR wrong number of arguments for 'monitor' command"),
        (
          "DEBUG SLEEP 0",
          "-ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."
        ),
      ]),
    Conversation(
      "slow log and latency",
      [
        ("SLOWLOG GET", "[]"), ("SLOWLOG LEN", ":0"), ("SLOWLOG RESET", "+OK"),
        ("SLOWLOG GET -2", "-ERR count should be greater than or equal to -1"),
        ("SLOWLOG GET a", "-ERR count should be greater than or equal to -1"),
        (
          "SLOWLOG GET 1 2",
          "-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP."
        ),
        ("SLOWLOG foo", "-ERR unknown subcommand 'foo'. Try SLOWLOG HELP."),
        ("SLOWLOG", "-ERR wrong number of arguments for 'slowlog' command"),
        ("LATENCY LATEST", "[]"), ("LATENCY HISTORY a", "[]"), ("LATENCY RESET", ":0"),
        ("LATENCY RESET a b", ":0"), ("LATENCY GRAPH a", "-ERR No samples available for event 'a'"),
        ("LATENCY HISTOGRAM nothing", "[]"),
        ("LATENCY HISTORY", "-ERR wrong number of arguments for 'latency|history' command"),
      ]),
    Conversation(
      "memory",
      [
        ("MEMORY USAGE", "-ERR wrong number of arguments for 'memory|usage' command"),
        ("MEMORY USAGE a", "nil"), ("MEMORY USAGE a SAMPLES", "-ERR syntax error"),
        ("MEMORY USAGE a SAMPLES -1", "-ERR syntax error"),
        ("MEMORY USAGE a FOO 1", "-ERR syntax error"),
        ("SET a 12345", "+OK"), ("MEMORY USAGE a", ":54"), ("MEMORY USAGE a SAMPLES 0", ":54"),
        ("MEMORY PURGE", "+OK"), ("MEMORY foo", "-ERR unknown subcommand 'foo'. Try MEMORY HELP."),
      ]),
    Conversation(
      "the command table, filtered",
      [
        (
          "COMMAND LIST FILTERBY PATTERN CONFIG|*",
          "[$config|get $config|set $config|rewrite $config|resetstat $config|help]"
        ),
        ("COMMAND LIST FILTERBY MODULE foo", "[]"), ("COMMAND LIST FILTERBY ACLCAT foo", "[]"),
        ("COMMAND LIST FILTERBY ACLCAT transaction", "[$multi $exec $discard $watch $unwatch]"),
        ("COMMAND LIST FILTERBY foo a", "-ERR syntax error"),
        ("COMMAND LIST x", "-ERR syntax error"),
      ]),
  ])
  func `replies are those of Redis`(conversation: Conversation) throws { try conversation.run() }

  @Test func `DEBUG does what test suites need where it is allowed`() throws {
    let server = try TestServer { $0.debugCommands = .local }
    let client = try server.client()
    for (command, reply) in [
      ("DEBUG SLEEP 0", "+OK"), ("DEBUG SET-ACTIVE-EXPIRE 0", "+OK"), ("DEBUG ERROR abc", "-abc"),
      (
        "DEBUG STRINGMATCH-LEN 1048576 \(String(repeating: "?", count: 65))",
        "-ERR pattern of 65 bytes is too long for a text of 1048576 bytes"
      ),
      ("DEBUG STRINGMATCH-LEN 1048576 \(String(repeating: "a", count: 63))*", ":1"),
      ("DEBUG STRINGMATCH-LEN 100 a*", ":1"), ("DEBUG STRINGMATCH-LEN 100 a*b", ":0"),
      ("SET a 12345", "+OK"), ("DEBUG OBJECT b", "-ERR no such key"),
      (
        "DEBUG OBJECT a",
        "+Value at:0x0 refcount:1 encoding:int serializedlength:5 lru:0 lru_seconds_idle:0"
      ),
      ("MULTI", "+OK"), ("DEBUG SLEEP 0", "+QUEUED"), ("EXEC", "[+OK]"),
      ("DEBUG JMAP", "-ERR DEBUG JMAP is not supported: Redis has no such subcommand"),
      (
        "DEBUG foo",
        "-ERR unknown subcommand or wrong number of arguments for 'foo'. Try DEBUG HELP."
      ),
    ] { #expect(try client.line(command) == reply, "\(command)") }
  }

  @Test func `a slow log entry has the shape of Redis, trimmed and without passwords`() throws {
    let server = try TestServer { $0.slowLogThreshold = 0 }
    let client = try server.client()
    _ = try client.line("CLIENT SETNAME me")
    _ = try client.line("SLOWLOG RESET")
    let long = String(repeating: "v", count: 200)
    #expect(try client.ask("SET", "a", long) == "+OK")
    let entry = try client.ask("SLOWLOG", "GET", "1")
    #expect(entry.contains("[$SET $a $\(String(repeating: "v", count: 128))... (72 more bytes)]"))
    #expect(entry.hasSuffix(" $me]]"))
    #expect(try client.ask(["DEL"] + (0..<40).map(String.init)) == ":0")
    #expect(
      try client.ask("SLOWLOG", "GET", "1").contains(" $29 $... (10 more arguments)] "))
    _ = try client.line("AUTH secret")
    _ = try client.line("HELLO 2 AUTH user secret")
    #expect(try !client.ask("SLOWLOG", "GET", "-1").contains("secret"))
    #expect(try client.line("CONFIG SET slowlog-max-len 2") == "+OK")
    #expect(try client.line("SLOWLOG LEN") == ":2")
    #expect(try client.line("CONFIG SET slowlog-log-slower-than -1") == "+OK")
    #expect(try client.line("SLOWLOG RESET") == "+OK")
    #expect(try client.line("GET a").count > 1)
    #expect(try client.line("SLOWLOG LEN") == ":0")
  }

  @Test func `what EXEC carries out is timed by itself`() throws {
    let server = try TestServer { $0.slowLogThreshold = 0 }
    let client = try server.client()
    for line in ["MULTI", "SET a 1", "INCR a", "EXEC"] { _ = try client.line(line) }
    let log = try client.line("SLOWLOG GET")
    #expect(log.contains("[$SET $a $1]") && log.contains("[$INCR $a]"))
    let info = try client.line("INFO commandstats")
    for name in ["set", "incr", "exec", "multi"] {
      #expect(info.contains("cmdstat_\(name):calls=1,"), "\(name)")
    }
  }

  @Test func `latency events are those that took so long`() throws {
    let server = try TestServer { $0.debugCommands = .yes }
    let client = try server.client()
    #expect(try client.line("CONFIG SET latency-monitor-threshold 5") == "+OK")
    #expect(try client.line("DEBUG SLEEP 0.02") == "+OK")
    #expect(try client.line("LATENCY LATEST").hasPrefix("[[$command :"))
    #expect(try client.line("LATENCY HISTORY command").hasPrefix("[[:"))
    #expect(try client.line("LATENCY RESET command") == ":1")
    #expect(try client.line("LATENCY LATEST") == "[]")
    #expect(
      try client.line("LATENCY HISTOGRAM debug").hasPrefix("[$debug [$calls :1 $histogram_usec ["))
  }

  @Test func `commands, errors and look-ups are counted, and counted again after a reset`() throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    let clients = try [server.client(), server.client(), server.client()]
    for client in clients {
      for line in ["SET a 1", "GET a", "GET b", "INCR a x", "NONSENSE", "SETNX"] {
        _ = try client.line(line)
      }
      _ = try client.line("SET s text")
      _ = try client.line("INCR s")
    }
    let client = clients[0]
    let info = try client.line("INFO everything")
    #expect(info.contains("\r\ncmdstat_get:calls=6,"))
    #expect(info.contains(",rejected_calls=3,failed_calls=3\r\n"))
    #expect(info.contains("\r\nerrorstat_ERR:count=12\r\n"))
    #expect(info.contains("\r\ntotal_error_replies:12\r\n"))
    #expect(info.contains("\r\nkeyspace_hits:3\r\nkeyspace_misses:3\r\n"))
    #expect(info.contains("\r\ntotal_connections_received:3\r\n"))
    #expect(info.contains("\r\nlatency_percentiles_usec_get:p50="))
    #expect(try client.line("CONFIG RESETSTAT") == "+OK")
    let anew = try client.line("INFO everything")
    #expect(!anew.contains("cmdstat_get") && !anew.contains("errorstat_"))
    #expect(anew.contains("\r\ntotal_error_replies:0\r\n"))
    #expect(anew.contains("\r\nkeyspace_hits:0\r\n"))
    #expect(anew.contains("\r\ntotal_connections_received:0\r\n"))
  }

  @Test(arguments: [("EXISTS a b a", 2, 1), ("TYPE a", 1, 0), ("TYPE b", 0, 1), ("STRLEN a", 1, 0)])
  func `commands that look keys up are counted as hits and misses`(
    command: String, hits: Int, misses: Int
  ) throws {
    let server = try TestServer()
    let client = try server.client()
    _ = try client.line("SET a 1")
    _ = try client.line(command)
    #expect(
      try client.line("INFO stats").contains(
        "\r\nkeyspace_hits:\(hits)\r\nkeyspace_misses:\(misses)\r\n"))
  }

  @Test func `COMMAND DOCS says what Redis says, for subcommands too`() throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(
      try client.line("COMMAND DOCS append")
        == "[$append [$summary $Append a value to a key $since $2.0.0 $group $string $complexity "
        + "$O(1). The amortized time complexity is O(1) assuming the appended value is small and the "
        + "already present value is of any size, since the dynamic string library used by Redis will "
        + "double the free space available on every reallocation. $arguments "
        + "[[$name $key $type $key $key_spec_index :0] [$name $value $type $string]]]]")
    #expect(
      try client.line("COMMAND DOCS config").contains(
        "$subcommands [$config|get [$summary $Get the values of configuration parameters $since "))
    #expect(try client.line("COMMAND DOCS kv.seq").contains("$summary "))
    #expect(try client.line("COMMAND DOCS").count > 10_000)
  }

  @Test func `INFO has the sections that were asked for`() throws {
    let server = try TestServer()
    let client = try server.client()
    func titles(_ line: String) throws -> [String] {
      try client.line(line).split(separator: "\r\n").compactMap {
        $0.contains("# ") ? String($0.drop { $0 != "#" }.dropFirst(2)) : nil
      }
    }
    let standard = [
      "Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules",
      "Errorstats", "Cluster", "Keyspace", "kvd",
    ]
    #expect(try titles("INFO") == standard)
    #expect(try titles("INFO default") == standard)
    #expect(try titles("INFO nothing") == [])
    #expect(try titles("INFO CPU keyspace") == ["CPU", "Keyspace"])
    #expect(try titles("INFO all").contains("Commandstats"))
    #expect(try titles("INFO everything").contains("Latencystats"))
  }

  @Test func `SHUTDOWN stops the server without a reply`() throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.line("SET a 1") == "+OK")
    client.send("SHUTDOWN NOSAVE\r\n")
    #expect(client.isClosedByServer())
    server.stop()
  }

  @Test func `BGSAVE takes a checkpoint that INFO tells of`() throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.line("SET a 1") == "+OK")
    #expect(try client.line("INFO persistence").contains("rdb_changes_since_last_save:1\r\n"))
    #expect(try client.line("BGSAVE") == "+Background saving started")
    while try !client.line("INFO persistence").contains("rdb_saves:1\r\n") {}
    let info = try client.line("INFO persistence")
    #expect(info.contains("rdb_changes_since_last_save:0\r\n"))
    #expect(info.contains("rdb_last_bgsave_status:ok\r\n"))
  }
}
