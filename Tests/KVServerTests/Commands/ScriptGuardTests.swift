import Base
import Testing

@testable import KVServer

/// What scripts call of Lua 5.1's own can overflow, run for minutes without a look at the time, or take memory
/// that nobody counts. Each script here once ended the daemon or held all writers; `fuzz/scripts` looks for more.
struct ScriptGuardTests {
  /// `unpack` counted its results in an int (CVE-2025-46817) and wrote beyond the stack.
  private static let unpacking = [
    "return unpack({}, 0, 2147483647)", "return unpack({1}, -2147483648, 2147483647)",
    "return unpack({}, -2147483648, -1)", "return unpack({}, 1, 8000)",
    "return unpack({}, 2^31, 2^31 - 1)",
  ]

  @Test func `unpack of more results than there is room for is an error`() throws {
    let server = try TestServer()
    let client = try server.client()
    for script in Self.unpacking {
      let error = try client.ask("EVAL", script, "0")
      #expect(error.hasPrefix("-ERR user_script:1: too many results to unpack"), "\(error)")
    }
    #expect(try client.ask("PING") == "+PONG")
  }

  /// Source of a MiB that Lua's compiler takes squared time for.
  enum Source: CaseIterable {
    case chain
    case breaks

    var text: String {
      switch self {
      case .chain: "local a return " + String(repeating: "a or ", count: 200_000) + "a"
      case .breaks:
        "local a while true do " + String(repeating: "if a then break end ", count: 50_000) + "end"
      }
    }
  }

  /// Functions, instructions and the compiler, each of which would take minutes by itself.
  @Test(arguments: [
    "table.insert({}, -2147483648, 1)",
    "local t = {} for k = 0, 29 do t[2^k] = k end return table.insert(t, -2147483648, 1)",
    "return ('a'):rep(16000):gsub('(x*)', ('%1'):rep(250000))",
    "return ('a'):rep(1000000):find('[' .. ('b'):rep(4000) .. ']*c')",
    "local s = ('x'):rep(2^22) while true do local t = s .. 'y' collectgarbage() end",
    "local a, b = ('x'):rep(2^22), ('x'):rep(2^22 - 1) while true do local c = a < b end",
    "return loadstring(ARGV[1])", "return loadstring(ARGV[2])",
  ])
  func `nothing that a script calls runs on after its time`(script: String) throws {
    let server = try TestServer { $0.scriptMilliseconds = 50 }
    let client = try server.client()
    let reply = try client.ask(["EVAL", script, "0"] + Source.allCases.map(\.text))
    #expect(
      reply.hasPrefix("-ERR the script was stopped because it ran for more than 50 milliseconds"),
      "\(reply.prefix(200))")
    #expect(try client.ask("EVAL", "return redis.call('ping')", "0") == "+PONG")
  }

  @Test(arguments: Source.allCases)
  func `compiling is ended with the script's time`(source: Source) throws {
    let server = try TestServer { $0.scriptMilliseconds = 50 }
    let client = try server.client()
    for request in [["EVAL", source.text, "0"], ["SCRIPT", "LOAD", source.text]] {
      #expect(
        try client.ask(request).hasPrefix(
          "-ERR the script was stopped because it ran for more than 50 milliseconds"))
    }
    #expect(try client.ask("EVAL", "return 1", "0") == ":1")
  }

  /// What the functions that stand in place of Lua's reply: its results and its errors.
  private static let replies = [
    ("return {unpack({1, 2, 3})}", "[:1 :2 :3]"), ("return {unpack({1, 2, 3}, 2)}", "[:2 :3]"),
    ("return {unpack({1, 2, 3}, -1, 1)}", "[]"), ("return select('#', unpack({}, -1, 1))", ":3"),
    ("return select('#', unpack({}, 1, 7000))", ":7000"),
    ("return select('#', unpack({1}, 2, 1))", ":0"),
    ("return string.rep('', 2147483647)", "$"), ("return string.rep('ab', 3)", "$ababab"),
    ("return string.rep('ab', -1) .. string.rep('ab', 0)", "$"), ("return ('a'):rep(2.9)", "$aa"),
    ("return #string.rep(('x'):rep(70001), 7)", ":490007"),
    ("return string.rep('abc', 50000) == ('abc'):rep(25000):rep(2) and 1", ":1"),
    ("local t = {1, 2} table.insert(t, 3) return t", "[:1 :2 :3]"),
    ("local t = {1, 2} table.insert(t, 1, 3) return t", "[:3 :1 :2]"),
    ("local t = {1, 2} table.insert(t, 9, 3) return {#t, t[9]}", "[:2 :3]"),
    ("local t = {1, 2, 3} return {table.remove(t), table.remove(t, 1), #t}", "[:3 :1 :1]"),
    ("return select('#', table.remove({}, 1))", ":0"),
    ("return select('#', table.remove({1, 2}, 5))", ":0"),
    ("return table.concat({1, 'b', 3.5}, '-')", "$1-b-3.5"),
    ("return table.concat({1, 2, 3}, ',', 2, 3) .. table.concat({}, 'x', 1, 0)", "$2,3"),
    (
      "return {err = select(2, pcall(table.concat, {1, {}, 3}))}",
      "-invalid value (table) at index 2 in table for 'concat'"
    ),
    (
      "return {err = select(2, pcall(table.insert, {}, 1, 2, 3))}",
      "-wrong number of arguments to 'insert'"
    ),
  ]

  @Test func `a guarded function does what Lua's does`() throws {
    let server = try TestServer()
    let client = try server.client()
    for (script, reply) in Self.replies {
      #expect(try client.ask("EVAL", script, "0") == reply, "\(script)")
    }
  }

  /// One string can stand for thousands of arguments, which the server copies.
  @Test func `the arguments of one command are bounded as those of a client are`() throws {
    let server = try TestServer()
    let client = try server.client()
    let script =
      "local s, t = ('x'):rep(2^24), {} for i = 1, 7000 do t[i] = s end "
      + "return redis.pcall('mget', unpack(t))"
    #expect(
      try client.ask("EVAL", script, "0")
        == "-ERR the arguments of the command exceed the limit of 65 MiB")
  }

  /// Numbers and heads of arrays were put into a reply beyond its limit.
  @Test func `a reply of numbers alone is bounded, too`() throws {
    let server = try TestServer { $0.clientMemoryByteCount = Server.leastClientMemoryByteCount }
    let client = try server.client()
    let script = "local t = {1, 2, 3, 4} for i = 1, 22 do t = {t, t} end return t"
    let reply = try client.ask("EVAL", script, "0")
    #expect(reply.hasPrefix("-"), "\(reply.prefix(100))")
    #expect(try client.ask("PING") == "+PONG")
  }

  @Test func `an error and a line of the log are cut off`() throws {
    let longest = Lock(0)
    let server = try TestServer {
      $0.log = { line in
        if line.hasPrefix("script: ") { longest.withLock { $0 = max($0, line.utf8.count) } }
      }
    }
    let client = try server.client()
    #expect(try client.ask("EVAL", "redis.log(2, ('x'):rep(2^20))", "0") == "nil")
    #expect(longest.withLock { $0 } == 1024 + "script: ".utf8.count)
    let error = try client.ask("EVAL", "error({err = ('x'):rep(2^20)})", "0")
    #expect(error.utf8.count == 1 + (1 << 16))
  }

  /// A loop around `redis.log` once wrote a gigabyte while all writers waited.
  @Test func `a script writes a bounded number of lines to the log`() throws {
    let lines = Lock<[String]>([])
    let server = try TestServer {
      $0.log = { line in if line.hasPrefix("script: ") { lines.withLock { $0.append(line) } } }
    }
    let client = try server.client()
    let script = "for i = 1, tonumber(ARGV[1]) do redis.log(2, i) end return 'done'"
    #expect(try client.ask("EVAL", script, "0", "100000") == "$done")
    #expect(
      lines.withLock { $0 } == (1...100).map { "script: \($0)" } + [
        "script: 99900 more lines suppressed (limit: 100 lines per script run)"
      ])
    lines.withLock { $0 = [] }
    #expect(try client.ask("EVAL", script, "0", "100") == "$done")
    #expect(lines.withLock { $0.count } == 100)
    server.stop()
  }

  /// Debian's Lua could be left with the libraries of the system (CVE-2022-0543), values of basic types with a
  /// metatable that all scripts share (CVE-2025-46818), and finalizers that run later (CVE-2024-46981).
  @Test func `nothing leads out of the sandbox`() throws {
    let server = try TestServer()
    let client = try server.client()
    for name in [
      "package", "require", "module", "io", "debug", "dofile", "loadfile", "newproxy", "print",
      "gcinfo",
    ] {
      #expect(
        try client.ask("EVAL", "return \(name)", "0").contains(
          "Script attempted to access nonexistent global variable '\(name)'"))
    }
    let probe =
      "local found = {} local thread = coroutine.create(function() end) "
      + "for _, v in ipairs({1, 'a', true, pcall, thread, cjson.null}) do "
      + "if getmetatable(v) then found[#found + 1] = type(v) end end return found"
    #expect(try client.ask("EVAL", probe, "0") == "[]")
    let absent = "return {tostring(string.dump), tostring(os.execute)}"
    #expect(try client.ask("EVAL", absent, "0") == "[$nil $nil]")
  }
}
