import KVStore
import Testing

@testable import KVServer

/// SCAN, HSCAN and SSCAN go on wherever they have been, whatever happened meanwhile.
///
/// The story: a table of 4,096 cursors served all clients, and was empty after a restart: who came back later was told
/// that the cursor was unknown, and `scan_iter` failed.
struct CursorLookupTests {
  private static let count = 2_100
  private static let names = (0..<count).map { "k\($0)" }.sorted()

  /// What is walked over, and what may be added and taken away there.
  struct Kind: Sendable, CustomStringConvertible {
    let description: String
    let scan: [String]
    let add: @Sendable (String) -> [String]
    let remove: @Sendable (String) -> [String]
    /// Of how many words an element is in a page.
    var width = 1
  }

  static let kinds = [
    Kind(
      description: "SCAN", scan: ["SCAN"], add: { ["SET", $0, "v"] }, remove: { ["DEL", $0] }),
    Kind(
      description: "HSCAN", scan: ["HSCAN", "map"], add: { ["HSET", "map", $0, "v"] },
      remove: { ["HDEL", "map", $0] }, width: 2),
    Kind(
      description: "SSCAN", scan: ["SSCAN", "set"], add: { ["SADD", "set", $0] },
      remove: { ["SREM", "set", $0] }),
  ]

  private static func fill(_ client: TestClient, _ kind: Kind) throws {
    client.send(names.flatMap { TestClient.encode(kind.add($0)) })
    for _ in names { _ = try client.reply() }
  }

  /// The next cursor, and the names of a page.
  private static func page(
    _ client: TestClient, _ kind: Kind, from cursor: String, count: Int
  ) throws -> (next: String, names: [String]) {
    let reply = try client.ask(kind.scan + [cursor, "COUNT", "\(count)"])
    guard reply.hasPrefix("[$") else { throw TestFailure(message: reply) }
    let parts = reply.dropFirst(2).split(separator: " ", maxSplits: 1)
    let words = parts[1].dropFirst().dropLast(2).split(separator: " ").map {
      String($0.dropFirst())
    }
    return (String(parts[0]), stride(from: 0, to: words.count, by: kind.width).map { words[$0] })
  }

  private static func rest(
    _ client: TestClient, _ kind: Kind, from cursor: String, count: Int = 100
  ) throws -> [String] {
    var (cursor, names, pageCount) = (cursor, [String](), 0)
    repeat {
      let page = try page(client, kind, from: cursor, count: count)
      names += page.names
      cursor = page.next
      pageCount += 1
      #expect(pageCount <= 3 * Self.count)
    } while cursor != "0" && pageCount <= 3 * Self.count
    return names
  }

  @Test(arguments: kinds) func `a slow iteration beside a fast one`(kind: Kind) throws {
    let server = try TestServer()
    let (slow, fast) = (try server.client(), try server.client())
    try Self.fill(slow, kind)
    let first = try Self.page(slow, kind, from: "0", count: 200)
    for _ in 0..<2 { #expect(try Self.rest(fast, kind, from: "0", count: 1) == Self.names) }
    #expect(first.names + (try Self.rest(slow, kind, from: first.next)) == Self.names)
  }

  @Test(arguments: kinds) func `an iteration goes on after a restart`(kind: Kind) throws {
    let server = try TestServer()
    let client = try server.client()
    try Self.fill(client, kind)
    let first = try Self.page(client, kind, from: "0", count: 200)
    // What was returned and is deleted, as many clients do, changes nothing.
    for name in first.names { _ = try client.ask(kind.remove(name)) }
    let second = try server.restarted()
    let again = try second.client()
    #expect(first.names + (try Self.rest(again, kind, from: first.next)) == Self.names)
    second.stop()
  }

  @Test(arguments: kinds)
  func `where the cursor's own key is gone too, nothing is left out`(kind: Kind) throws {
    let server = try TestServer()
    let client = try server.client()
    try Self.fill(client, kind)
    let first = try Self.page(client, kind, from: "0", count: 200)
    _ = try client.ask(kind.remove(Self.names[200]))
    // Known to this server, it goes on behind it.
    let known = try Self.page(client, kind, from: first.next, count: 200)
    #expect(known.names == Array(Self.names[201...400]))
    let second = try server.restarted()
    let again = try second.client()
    let rest = try Self.rest(again, kind, from: first.next)
    #expect(Set(first.names + rest) == Set(Self.names).subtracting([Self.names[200]]))
    second.stop()
  }

  @Test(arguments: kinds) func `a made-up cursor begins again`(kind: Kind) throws {
    let server = try TestServer()
    let client = try server.client()
    try Self.fill(client, kind)
    let first = try Self.page(client, kind, from: "0", count: 200)
    for cursor in ["1", "4096", "4503599627370496", "18446744073709551615", "-7"] {
      let page = try Self.page(client, kind, from: cursor, count: 200)
      #expect(page.names == first.names)
    }
    #expect(try client.ask("MULTI") == "+OK")
    #expect(try client.ask(kind.scan + ["77", "COUNT", "200"]) == "+QUEUED")
    #expect(try client.ask("EXEC").hasPrefix("[[$\(first.next) [$\(first.names[0]) "))
    #expect(try client.ask(kind.scan + ["x"]) == "-ERR invalid cursor")
  }
}
