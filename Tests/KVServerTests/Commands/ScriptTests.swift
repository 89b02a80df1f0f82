import KVServer
import Testing

@testable import KVServer
@testable import KVStore

/// Scripts over the wire; the replies are those of Redis 7.0.15, checked against one, but for limits and
/// for what is undone.
struct ScriptTests {
  @Test(arguments: [
    ("return 3.99", ":3"), ("return -3.99", ":-3"), ("return 1e30", ":-9223372036854775808"),
    ("return 'x'", "$x"), ("return true", ":1"), ("return false", "nil"), ("return", "nil"),
    ("return {1,2,nil,4}", "[:1 :2]"), ("return {1,false,'x',{}}", "[:1 nil $x []]"),
    ("return {ok='fine'}", "+fine"), ("return {err='My Err'}", "-My Err"),
    ("return {double=3.5}", "$3.5"), ("return {map={a=1}}", "[$a :1]"),
    ("return redis.error_reply('text')", "-ERR text"),
    ("return redis.status_reply('OK')", "+OK"),
    ("return redis.call('get','none')", "nil"),
    ("return type(redis.call('get','none'))", "$boolean"),
    ("redis.setresp(3) return type(redis.call('get','none'))", "$nil"),
    ("redis.call('set','f',0.1) return redis.call('get','f')", "$0.10000000000000001"),
    ("return redis.call('set','a','1').ok", "$OK"),
    ("return {KEYS[1], ARGV[1], #KEYS, #ARGV}", "[$key $arg :1 :1]"),
    ("return redis.sha1hex('abc')", "$a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
      "return {bit.band(255, 15, 6), bit.bor(1, 2, 8), bit.bxor(5, 3), bit.bnot(0), bit.tobit(2^32 + 5)}",
      "[:6 :11 :6 :-1 :5]"
    ),
    (
      "return {bit.lshift(1, 31), bit.rshift(-1, 28), bit.arshift(-256, 4), bit.rol(0x12345678, 8), "
        + "bit.ror(1, 1), bit.rol(7, 0), bit.bswap(0x12345678)}",
      "[:-2147483648 :15 :-16 :878082066 :-2147483648 :7 :2018915346]"
    ),
    ("return bit.tohex(-1) .. bit.tohex(0xBEEF, -4) .. bit.tohex(18, 1)", "$ffffffffBEEF2"),
    ("return {pcall(error, {err='A b'})}", "[nil $A b]"),
    ("return {tostring(pcall(error, 'x'))}", "[$false]"),
    ("return redis.pcall('nosuch')", "-ERR Unknown Redis command called from script: 'nosuch'"),
    (
      "return redis.pcall('client','x')",
      "-ERR Unknown Redis command called from script: 'client x'"
    ),
    (
      "return redis.pcall('get')",
      "-ERR Wrong number of args calling Redis command from script: 'get'"
    ),
    ("return redis.pcall('multi')", "-ERR This Redis command is not allowed from script: 'multi'"),
    ("return redis.pcall('info')", "-ERR This Redis command is not allowed from script: 'info'"),
    (
      "return redis.pcall('kv.batch','DEL','a')",
      "-ERR This Redis command is not allowed from script: 'kv.batch'"
    ),
    (
      "return redis.pcall('get',{})",
      "-ERR Lua redis lib command arguments must be strings or integers"
    ),
    (
      "return redis.pcall()", "-ERR Please specify at least one argument for this redis lib call"
    ),
  ])
  func `values are converted as Redis converts them`(script: String, reply: String) throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.ask("EVAL", script, "1", "key", "arg") == reply)
  }

  @Test func `errors name the script and its line`() throws {
    let server = try TestServer()
    let client = try server.client()
    let error = try client.ask("EVAL", "error('boom')", "0")
    #expect(error.hasPrefix("-ERR user_script:1: boom script: "))
    #expect(error.hasSuffix(", on @user_script:1."))
    #expect(
      try client.ask("EVAL", "return +", "0")
        == "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '+'"
    )
    for (script, text) in [
      ("x = 1", "Attempt to modify a readonly table"),
      ("return x", "Script attempted to access nonexistent global variable 'x'"),
    ] {
      #expect(try client.ask("EVAL", script, "0").hasPrefix("-ERR user_script:1: " + text))
    }
  }

  @Test func `a script is known by its digest`() throws {
    let server = try TestServer()
    let client = try server.client()
    let digest = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
    let noScript = "-NOSCRIPT No matching script. Please use EVAL."
    #expect(try client.ask("EVALSHA", digest, "0") == noScript)
    #expect(try client.ask("SCRIPT", "LOAD", "return 1") == "$" + digest)
    #expect(try client.ask("EVALSHA", digest.uppercased(), "0") == ":1")
    #expect(try client.ask("SCRIPT", "EXISTS", digest, "x") == "[:1 :0]")
    #expect(try client.ask("SCRIPT", "FLUSH") == "+OK")
    #expect(try client.ask("EVALSHA", digest, "0") == noScript)
    #expect(try client.ask("EVAL", "return 1", "0") == ":1")
    #expect(try client.ask("EVALSHA_RO", digest, "0") == ":1")
    let tooMany = "-ERR Number of keys can't be greater than number of args"
    #expect(try client.ask("EVAL", "return 1", "1") == tooMany)
    #expect(try client.ask("EVAL", "return 1", "-1") == "-ERR Number of keys can't be negative")
  }

  @Test func `a script that fails writes nothing, alone and in a transaction`() throws {
    let server = try TestServer()
    let client = try server.client()
    let failing = "redis.call('set','a',1) redis.call('incr','a') error('x')"
    #expect(try client.ask("EVAL", failing, "1", "a").hasPrefix("-ERR user_script:1: x"))
    #expect(try client.ask("GET", "a") == "nil")
    _ = try client.ask("MULTI")
    _ = try client.ask("SET", "b", "1")
    _ = try client.ask("EVAL", failing, "1", "a")
    #expect(
      try client.ask("EXEC").hasPrefix("-EXECABORT Transaction discarded because of: ERR user_"))
    #expect(try client.ask("MGET", "a", "b") == "[nil nil]")
    _ = try client.ask("MULTI")
    _ = try client.ask("SET", "b", "1")
    _ = try client.ask("EVAL", "return redis.call('incr', KEYS[1])", "1", "b")
    #expect(try client.ask("EXEC") == "[+OK :2]")
  }

  @Test func `a read-only script does not write`() throws {
    let server = try TestServer()
    let client = try server.client()
    let refusal = "-ERR Write commands are not allowed from read-only scripts."
    #expect(try client.ask("EVAL_RO", "return redis.pcall('set','a',1)", "0") == refusal)
    let flagged = "#!lua flags=no-writes\nreturn redis.pcall('set','a',1)"
    #expect(try client.ask("EVAL", flagged, "0") == refusal)
    #expect(
      try client.ask("EVAL_RO", "#!lua\nreturn 1", "0")
        == "-ERR Can not execute a script with write flag using *_ro command.")
  }

  @Test func `a script may do what its user may`() throws {
    let server = try TestServer()
    let admin = try server.client()
    _ = try admin.line("ACL SETUSER ann on >pw ~a* +eval +get +set")
    let ann = try server.client(as: "ann", "pw")
    #expect(try ann.ask("EVAL", "return redis.call('set','a1','x')", "0") == "+OK")
    #expect(
      try ann.ask("EVAL", "return redis.pcall('get','b')", "0")
        == "-ERR The user executing the script can't access at least one of the keys mentioned in "
        + "the command arguments")
    #expect(
      try ann.ask("EVAL", "return redis.pcall('del','a1')", "0")
        == "-ERR The user executing the script can't run this command or subcommand")
    #expect(try ann.ask("EVAL", "return 1", "1", "b").hasPrefix("-NOPERM"))
  }

  /// What could hold writers forever if hooks alone were counted on.
  @Test(arguments: [
    "while true do end", "while true do pcall(function() while true do end end) end",
    "xpcall(function() while true do end end, function() while true do end end)",
    "while true do coroutine.wrap(function() for i=1,300 do end end)() end",
    "while true do collectgarbage() end",
    "return string.find(string.rep('a',30000),'.-.-.-.-.-b')",
    "return string.find(string.rep('a',10000000),string.rep('a',5000000)..'b',1,true)",
    "for i=1,1e9 do redis.call('set','k',i) end",
  ])
  func `a script whose time is up is ended and undone`(script: String) throws {
    let server = try TestServer { $0.scriptMilliseconds = 20 }
    let client = try server.client()
    #expect(
      try client.ask("EVAL", "redis.call('set','a',1) " + script, "0").hasPrefix(
        "-ERR the script was stopped because it ran for more than 20 milliseconds"))
    #expect(try client.ask("MGET", "a", "k") == "[nil nil]")
    #expect(try client.ask("EVAL", "return redis.call('ping')", "0") == "+PONG")
  }

  @Test(arguments: [
    "return string.rep('x', 1073741824)", "local s='x' while true do s=s..s end",
    "local t={} while true do t[#t+1]={} end",
  ])
  func `a script cannot take more memory than it may`(script: String) throws {
    let server = try TestServer {
      $0.scriptMemoryByteCount = 4 << 20
      $0.scriptMilliseconds = 20_000
    }
    let client = try server.client()
    #expect(
      try client.ask("EVAL", script, "0")
        == "-ERR the script was stopped because it used more than 4194304 bytes of memory; nothing "
        + "was written")
    #expect(try client.ask("EVAL", "return 'still'", "0") == "$still")
  }

  @Test(arguments: [
    "local t={} t[1]=t return t", "local t={map={}} t.map.a=t return t",
    "local function f() return 1+f() end return f()", "return newproxy(true)",
    "return string.find('aaa', string.rep('a?',300000))", "error(setmetatable({},{}))",
    "local e={} e.err=e error(e)", "getmetatable('').__index=1", "return unpack({},1,1e8)",
    "return assert(loadstring('\\27Lua'))", "string = nil",
  ])
  func `a script that goes astray gets an error and leaves nothing behind`(script: String) throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.ask("EVAL", script, "0").hasPrefix("-"))
    #expect(try client.ask("EVAL", "return ('ok'):upper()", "0") == "$OK")
  }

  @Test func `what one script changes no other one sees`() throws {
    let server = try TestServer()
    let client = try server.client()
    for script in [
      "rawset(redis,'call',1) rawset(_G,'x',1) string.rep = nil table[1] = 1 setfenv(0,{})",
      "setmetatable(redis,{}) redis.call = nil KEYS[1] = 'x' math.pi = 3",
    ] {
      #expect(try client.ask("EVAL", script, "0") == "nil")
    }
    let probe =
      "return {type(redis.call), tostring(rawget(_G,'x')), type(string.rep), #table, #KEYS, "
      + "tostring(math.pi > 3), tostring(getmetatable(redis))}"
    #expect(try client.ask("EVAL", probe, "0") == "[$function $nil $function :0 :0 $true $nil]")
  }

  @Test func `scripts have all types and all keys, by the rules of clients`() throws {
    let server = try TestServer()
    let client = try server.client()
    let script =
      "redis.call('hset', KEYS[1], 'f', 1) redis.call('sadd', KEYS[2], 'm') "
      + "return {redis.call('hincrby', KEYS[1], 'f', 2), redis.call('type', KEYS[2]).ok, "
      + "redis.pcall('get', KEYS[1])}"
    let wrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value"
    for (hash, set) in [("h", "s"), ("\0h", "\0\u{1}s")] {
      #expect(try client.ask("EVAL", script, "2", hash, set) == "[:3 $set \(wrongType)]")
      #expect(try client.ask("HGET", hash, "f") == "$3")
      #expect(try client.ask("SISMEMBER", set, "m") == ":1")
    }
    #expect(try client.ask("EVAL", "return redis.call('keys', '*h')", "0") == "[$\0h $h]")
  }

  @Test func `nothing expires while a script runs`() throws {
    let server = try TestServer()
    let client = try server.client()
    let script =
      "redis.call('set', 'k', 'v', 'px', 5) local function now() local t = redis.call('time') "
      + "return t[1] * 1000 + t[2] / 1000 end local start = now() "
      + "while now() < start + 50 do end return redis.call('get', 'k')"
    #expect(try client.ask("EVAL", script, "0") == "$v")
    #expect(try client.ask("GET", "k") == "nil")
  }

  @Test func `the time of scripts is a setting`() throws {
    let server = try TestServer { $0.scriptMilliseconds = ServerOptions().scriptMilliseconds }
    let client = try server.client()
    #expect(
      try client.line("CONFIG GET busy-reply-threshold") == "[$busy-reply-threshold $5000]")
    #expect(try client.line("CONFIG SET busy-reply-threshold 10") == "+OK")
    #expect(
      try client.ask("EVAL", "while true do end", "0").hasPrefix(
        "-ERR the script was stopped because it ran for more than 10 milliseconds"))
    #expect(try client.line("SCRIPT KILL") == "-NOTBUSY No scripts in execution right now.")
  }

  /// The second client is served by the other thread.
  @Test func `a script can be killed from another thread, and is undone`() throws {
    let server = try TestServer {
      $0.ioThreadCount = 2
      $0.scriptMilliseconds = 600_000
    }
    let clients = try [server.client(), server.client()]
    for client in clients { #expect(try client.line("PING") == "+PONG") }
    let script = "redis.call('set', 'a', 1) while true do pcall(error) end"
    clients[0].send("*3\r\n$4\r\nEVAL\r\n$\(script.utf8.count)\r\n\(script)\r\n$1\r\n0\r\n")
    while try clients[1].line("SCRIPT KILL") != "+OK" {}
    #expect(
      try clients[0].reply()
        == "-ERR Script killed by user with SCRIPT KILL; nothing was written")
    #expect(try clients[0].line("GET a") == "nil")
  }

  @Test func `a monitor sees a script, and then its commands`() throws {
    let server = try TestServer()
    let (monitor, client) = try (server.client(), server.client())
    _ = try monitor.line("MONITOR")
    _ = try client.ask("EVAL", "return redis.call('get', KEYS[1])", "1", "\0k")
    #expect(try monitor.reply().contains("] \"EVAL\" \"return redis.call('get', KEYS[1])\""))
    #expect(try monitor.reply().hasSuffix(" [0 lua] \"get\" \"\\x00k\""))
  }

  @Test func `what a script may not do stands in the log of refusals`() throws {
    let server = try TestServer()
    let admin = try server.client()
    _ = try admin.line("ACL SETUSER ann on >pw ~a* +eval +get")
    let ann = try server.client(as: "ann", "pw")
    let refused = try ann.ask("EVAL", "return redis.call('get', 'b')", "0")
    #expect(refused.hasPrefix("-ERR The user executing the script can't access at least one"))
    let entry = try admin.line("ACL LOG 1")
    #expect(entry.contains("$reason $key $context $lua $object $b $username $ann"))
    let check = "return {redis.acl_check_cmd('get', 'a'), redis.acl_check_cmd('get', 'b')}"
    #expect(try ann.ask("EVAL", check, "0") == "[:1 nil]")
  }

  @Test func `the commands of a script are counted, and an error of one once`() throws {
    let server = try TestServer()
    let client = try server.client()
    _ = try client.ask("EVAL", "redis.pcall('incrby', 'n', 'x') redis.call('get', 'n')", "0")
    _ = try client.ask("EVAL", "redis.call('incrby', 'n', 'x')", "0")
    _ = try client.ask("EVAL", "return redis.pcall('incrby', 'n', 'x')", "0")
    let commands = try client.line("INFO commandstats")
    #expect(commands.contains("cmdstat_get:calls=1"))
    #expect(commands.contains(/cmdstat_incrby:calls=3,.*rejected_calls=0,failed_calls=3/))
    #expect(commands.contains(/cmdstat_eval:calls=3,.*failed_calls=2/))
    #expect(try client.line("INFO errorstats").contains("errorstat_ERR:count=3"))
    let memory = try client.line("INFO memory")
    #expect(memory.contains("number_of_cached_scripts:3"))
    #expect(!memory.contains("used_memory_vm_eval:0\r"))
  }

  @Test(arguments: [
    ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
    ),
  ])
  func `SHA-1 gives the digests of its standard`(message: String, digest: String) {
    let found = message.withRawBytes { SHA1.hexadecimal(of: $0) }
    #expect(String(decoding: found, as: UTF8.self) == digest)
  }

  @Test func `the cache of scripts forgets the one used least recently`() throws {
    let cache = ScriptCache(countLimit: 2, byteLimit: 100)
    for name in ["a", "b", "a", "c"] {
      let text = [UInt8](name.utf8)
      if text.withRawBytes({ cache.script($0) }) == nil {
        cache.add(try text.withRawBytes { try Script($0, digest: text) })
      }
    }
    let known = ["a", "b", "c"].map { name in name.withRawBytes { cache.contains($0) } }
    #expect(known == [true, false, true])
  }
}
