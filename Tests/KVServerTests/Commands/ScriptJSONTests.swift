import KVServer
import Testing

@testable import KVServer
@testable import KVStore

/// `cjson` in scripts. The replies are those of Redis 7.0.15, checked against one.
struct ScriptJSONTests {
  @Test(arguments: [
    ("{1,2,3}", "$[1,2,3]"), ("{}", "${}"), ("{a={b={}}}", #"${"a":{"b":{}}}"#),
    ("{[1]=1,[3]=3}", "$[1,null,3]"), ("{[1.5]=1}", #"${"1.5":1}"#), ("cjson.null", "$null"),
    (#"'a/b"\\\n\0\127'"#, #"$"a\/b\"\\\n\u0000\u007f""#), ("1/3", "$0.33333333333333"),
    ("1e300", "$1e+300"), ("{cjson.null,false}", "$[null,false]"), ("2^53", "$9.007199254741e+15"),
    ("{[10]=1}", "$[null,null,null,null,null,null,null,null,null,1]"),
  ])
  func `a value becomes JSON`(value: String, text: String) throws {
    let server = try TestServer()
    #expect(try server.client().ask("EVAL", "return cjson.encode(\(value))", "0") == text)
  }

  @Test(arguments: [
    ("0/0", "Cannot serialise number: must not be NaN or Inf"),
    ("coroutine.create(function() end)", "Cannot serialise thread: type not supported"),
    ("{type}", "Cannot serialise function: type not supported"),
    ("{[true]=1}", "Cannot serialise boolean: table key must be a number or string"),
    ("{[100]=1}", "Cannot serialise table: excessively sparse array"),
    ("1,2", "bad argument #1 to 'encode' (expected 1 argument)"),
  ])
  func `what is no JSON is refused by its reason`(value: String, reason: String) throws {
    let server = try TestServer()
    let client = try server.client()
    let reply = try client.ask("EVAL", "return cjson.encode(\(value))", "0")
    #expect(reply.hasPrefix("-ERR user_script:1: " + reason) || reply.hasPrefix("-ERR " + reason))
  }

  @Test(arguments: [
    (#"{"a":[1,{"b":null}]}"#, #"${"a":[1,{"b":null}]}"#), (" [ ] ", "${}"), ("0x10", "$16"),
    (#""\u00e9\ud83d\ude00""#, "$\"é😀\""), (#"["\u0000\n"]"#, #"$["\u0000\n"]"#), ("+5", "$5"),
    (#"{"a":1,"a":2}"#, #"${"a":2}"#), ("-1.5e3", "$-1500"),
    ("[1,]", "Expected value but found T_ARR_END at character 4"),
    ("", "Expected value but found T_END at character 1"),
    ("[1 2]", "Expected comma or array end but found T_NUMBER at character 4"),
    ("{1:2}", "Expected object key string but found T_NUMBER at character 2"),
    (#"{"a" 1}"#, "Expected colon but found T_NUMBER at character 6"),
    ("1 2", "Expected the end but found T_NUMBER at character 3"),
    (#""\ud83d""#, "Expected value but found invalid unicode escape code at character 2"),
    (#""a\x""#, "Expected value but found invalid escape code at character 3"),
    (#""abc"#, "Expected value but found unexpected end of string at character 5"),
    ("nul", "Expected value but found invalid token at character 1"),
    ("\0[", "JSON parser does not support UTF-16 or UTF-32"),
  ])
  func `JSON becomes a value, or an error that tells where`(text: String, reply: String) throws {
    let server = try TestServer()
    let found = try server.client().ask(
      "EVAL", "return cjson.encode(cjson.decode(ARGV[1]))", "0", text)
    #expect(
      reply.hasPrefix("$") ? found == reply : found.hasPrefix("-ERR user_script:1: " + reply))
  }

  @Test func `settings hold for one run`() throws {
    let server = try TestServer()
    let client = try server.client()
    let set =
      "cjson.encode_max_depth(1) cjson.encode_number_precision(3) cjson.encode_invalid_numbers('null') "
      + "cjson.encode_sparse_array(true) cjson.decode_max_depth(1) "
    #expect(
      try client.ask("EVAL", set + "return cjson.encode({1/3, 0/0})", "0") == "$[0.333,null]")
    #expect(try client.ask("EVAL", set + "return cjson.encode({[99]=1})", "0") == #"${"99":1}"#)
    #expect(
      try client.ask("EVAL", set + "return cjson.encode({{1}})", "0").hasPrefix(
        "-ERR user_script:1: Cannot serialise, excessive nesting (2)"))
    #expect(
      try client.ask("EVAL", set + "return cjson.decode('[[1]]')", "0").hasPrefix(
        "-ERR user_script:1: Found too many nested data structures (2) at character 2"))
    #expect(
      try client.ask("EVAL", "return cjson.encode({{1/3}})", "0") == "$[[0.33333333333333]]")
  }

  /// Nesting of any depth, and sizes that only the limits on memory and time end.
  @Test(arguments: [
    ("return cjson.decode(string.rep('[',1000000))", "-ERR user_script:1: Found too many nested"),
    ("return cjson.decode(string.rep('{\"a\":',100000))", "-ERR user_script:1: Found too many"),
    ("local t={} t[1]=t return cjson.encode(t)", "-ERR user_script:1: Cannot serialise, excessive"),
    (
      "return #cjson.encode(cjson.decode(string.rep('[',1000)..string.rep(']',1000)))", ":2000"
    ),
    ("local t='x' for i=1,60 do t={t,t,t,t} end return cjson.encode(t)", ended),
    ("local t={} for i=1,60 do t={t,t,t,t} end return #cjson.encode(t)", ended),
    ("local s=string.rep('\\0',2000000) return #cjson.encode({s,s})", ended),
    ("return #cjson.decode('['..string.rep('{},',900000)..'1]')", ended),
    ("cjson.encode_sparse_array(false,0) return #cjson.encode({[2^31-2]=1})", ended),
    ("cjson.encode_sparse_array(false,0) return #cjson.encode({[2^60]=1})", ":25"),
    ("return tostring(cjson.decode(string.rep('9',1000000)))", "$inf"),
    ("while true do pcall(cjson.decode, '[[[') end", "-ERR the script was stopped because it ran"),
    (
      "local s='['..string.rep('1,',400000)..'1]' while true do cjson.decode(s) end",
      "-ERR the script was stopped because it"
    ),
  ])
  func `no JSON makes a script take more than it may`(script: String, reply: String) throws {
    let server = try TestServer {
      $0.scriptMemoryByteCount = 8 << 20
      $0.scriptMilliseconds = Sanitizer.isOn ? 30_000 : 3_000
    }
    let client = try server.client()
    let found = try client.ask("EVAL", script, "0")
    #expect(found.hasPrefix(reply), "\(found.prefix(200))")
    #expect(try client.ask("EVAL", "return cjson.encode('still')", "0") == #"$"still""#)
  }

  private static let ended = "-ERR the script was stopped because it used more than 8388608 bytes"
}
