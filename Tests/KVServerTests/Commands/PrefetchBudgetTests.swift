import Testing

@testable import KVServer

/// What is looked up before an evaluation, only to save time in it: each key once, and not more than costs some
/// milliseconds.
///
/// The story: EXEC looked the key up for each HSET that was queued, and verified the 64 MiB string that it held each time.
struct PrefetchBudgetTests {
  /// Holds what is tested where expectations can change it.
  private final class Lookups {
    private(set) var seen = PrefetchBudget()

    func areWorth(_ key: String) -> Bool { seen.insert(Array(key.utf8).rawSpan) }

    func areWorth(_ field: String, of key: String) -> Bool {
      let (field, key) = (Array(field.utf8), Array(key.utf8))
      return seen.insert(field.rawSpan, of: key.rawSpan)
    }

    func read(_ byteCount: Int) { seen.didRead(byteCount) }
  }

  @Test func `beyond a few, each key is looked up once`() {
    let lookups = Lookups()
    for _ in 0..<PrefetchBudget.fewCount { #expect(lookups.areWorth("k")) }
    #expect(lookups.areWorth("k"))
    for _ in 0..<1000 { #expect(!lookups.areWorth("k")) }
    #expect(lookups.areWorth("l"))
    #expect(!lookups.areWorth("l"))
    #expect(lookups.areWorth("f", of: "k"))
    #expect(!lookups.areWorth("f", of: "k"))
  }

  @Test func `a large value is the last that is read`() {
    let lookups = Lookups()
    #expect(lookups.areWorth("k"))
    lookups.read(64 << 20)
    #expect(lookups.seen.isSpent && lookups.seen.bytesLeft == 0)
    #expect(!lookups.areWorth("k"))
    #expect(!lookups.areWorth("l"))
  }

  @Test func `many keys have an end, and one that is named again costs next to nothing`() {
    let lookups = Lookups()
    for _ in 0..<10_000 { _ = lookups.areWorth("k") }
    #expect(!lookups.seen.isSpent)
    var count = 0
    while lookups.areWorth("k\(count)") { count += 1 }
    #expect(lookups.seen.isSpent)
    #expect((1_000...5_000).contains(count))
  }

  @Test func `what is not looked up before is carried out all the same`() throws {
    let server = try TestServer()
    let client = try server.client()
    let value = String(repeating: "v", count: 5 << 20)
    #expect(try client.ask("HSET", "h", "f", "v") == ":1")
    #expect(try client.ask("SET", "k", value) == "+OK")
    _ = try client.ask("KV.CHECKPOINT")
    let pairs = (0..<6_000).flatMap { ["f\($0)", "v"] }
    #expect(try client.ask(["HSET", "h"] + pairs + pairs) == ":6000")
    var commands = [
      ["DEL", "k"], ["HSET", "k", "f", "v"], ["HDEL", "h", "f"], ["SADD", "h", "m"],
    ]
    commands += [[String]](repeating: ["HINCRBY", "k", "n", "1"], count: 20)
    #expect(try client.ask("MULTI") == "+OK")
    for command in commands { #expect(try client.ask(command) == "+QUEUED") }
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value"
    let counts = (1...20).map { ":\($0)" }.joined(separator: " ")
    #expect(try client.ask("EXEC") == "[:1 :1 :1 \(wrong) \(counts)]")
    #expect(try client.ask("HLEN", "h") == ":6000")
    server.stop()
  }
}
