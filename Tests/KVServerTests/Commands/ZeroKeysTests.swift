import Testing

/// Keys that begin with 0x00 are keys like all others to clients, whatever stands there in the engine.
struct ZeroKeysTests {
  private let keys: [[UInt8]] = [[], [0], [0, 0], [0, 1], [0, 1, 9], [0, 3, 0, 0], [1], [0x61]]

  private func ask(_ client: TestClient, _ command: String, _ rest: [UInt8]...) throws -> String {
    try client.ask([Array(command.utf8)] + rest)
  }

  private func text(_ keys: [[UInt8]]) -> String {
    "[" + keys.map { "$" + String(decoding: $0, as: UTF8.self) }.joined(separator: " ") + "]"
  }

  @Test func `they are set, read, listed and deleted, in order`() throws {
    let server = try TestServer()
    let client = try server.client()
    for key in keys { #expect(try ask(client, "SET", key, [0x76] + key) == "+OK") }
    for key in keys {
      let value = "$v" + String(decoding: key, as: UTF8.self)
      #expect(try ask(client, "GET", key) == value)
      #expect(try ask(client, "HLEN", key).hasPrefix("-WRONGTYPE"))
    }
    #expect(try client.line("DBSIZE") == ":\(keys.count)")
    #expect(try client.line("KEYS *") == text(keys))
    #expect(try client.line("SCAN 0") == "[$0 \(text(keys))]")
    #expect(try client.line("KV.RANGE - + KEYS") == text(keys))
    #expect(try ask(client, "KEYS", [0] + Array("*".utf8)) == text(Array(keys[1...5])))
    let keysOnly = Array("KEYS".utf8)
    #expect(try ask(client, "KV.PREFIX", [0], keysOnly) == text(Array(keys[1...5])))
    #expect(try ask(client, "KV.PREFIX", [0, 1], keysOnly) == text(Array(keys[3...4])))
    #expect(try ask(client, "KV.RANGE", [0, 0], [0, 3], keysOnly) == text(Array(keys[2...4])))
    #expect(try ask(client, "MGET", keys[2], keys[7]) == text([[0x76, 0, 0], [0x76, 0x61]]))
    #expect(try ask(client, "DEL", keys[1], keys[2], keys[7]) == ":3")
    #expect(try client.line("KEYS *") == text([keys[0]] + keys[3...6]))
  }

  @Test func `they are keys in transactions, batches and of hashes too`() throws {
    let server = try TestServer()
    let client = try server.client()
    #expect(try client.line("MULTI") == "+OK")
    #expect(try ask(client, "SET", [0, 1], [0x61]) == "+QUEUED")
    #expect(try ask(client, "GET", [0, 1]) == "+QUEUED")
    #expect(try ask(client, "HSET", [0], [0], [0]) == "+QUEUED")
    #expect(try client.line("EXEC") == "[+OK $a :1]")
    #expect(try ask(client, "HGETALL", [0]) == "[$\0 $\0]")
    let words = ["IF", "PRESENT", "SET"].map { Array($0.utf8) }
    #expect(
      try ask(client, "KV.BATCH", words[0], [0, 1], words[1], words[2], [0, 2], [0x62]) == "+OK")
    #expect(try ask(client, "GET", [0, 2]) == "$b")
    #expect(
      try ask(client, "KV.BATCH", words[0], [0, 9], words[1], words[2], [0, 2], [0x63])
        == "-CASFAIL IF '\0\u{9}' PRESENT does not hold: the key is absent")
    #expect(try client.line("DBSIZE") == ":3")
    let longest = [UInt8](repeating: 0, count: 500)
    #expect(try ask(client, "HSET", longest, [0x61], [0x62]) == ":1")
    #expect(try ask(client, "HGET", longest, [0x61]) == "$b")
    #expect(
      try ask(client, "GET", longest + [0])
        == "-ERR key of 501 bytes is too long: use at most 500 bytes")
  }
}
