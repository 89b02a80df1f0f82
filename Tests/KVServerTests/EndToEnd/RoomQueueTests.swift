import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// Connections of one I/O thread that wait for room in the store, first come first served.
///
/// The story: the first of the queue was to be closed, or did not read its replies, and could not be carried out for
/// that; all writes of the thread waited behind it, with a failed log forever.
struct RoomQueueTests {
  private static let value = String(repeating: "v", count: 100_000)

  private static func setCalls(_ client: TestClient) throws -> Int {
    let info = try client.ask("INFO", "commandstats")
    guard let line = info.split(separator: "\r\n").first(where: { $0.hasPrefix("cmdstat_set:") })
    else { return 0 }
    let calls = line.dropFirst("cmdstat_set:calls=".count).prefix { $0 != "," }
    return try #require(Int(calls))
  }

  /// Sends writes on `client` until one of them waits for room, while the log stands still.
  private static func fill(_ client: TestClient, _ other: TestClient) throws {
    var sent = 0
    while true {
      client.send(TestClient.encode(["SET", "\(sent)", value]))
      sent += 1
      var turns = 0
      // Segments of the log may still be made, which takes longer than a turn.
      while try setCalls(other) < sent, turns < 30 {
        usleep(3_000)
        turns += 1
      }
      if turns == 30 { return }
    }
  }

  @Test func `one that is closed because the log has failed keeps nobody waiting`() throws {
    let server = try TestServer.small()
    let writer = try server.client()
    let other = try server.client()
    let log = try StoppedLog(server.store)
    try Self.fill(writer, other)
    server.store.coordinator.poison(because: "the test says so")
    #expect(try writer.reply().hasPrefix("-ERR outcome unknown: "))
    #expect(writer.isClosedByServer())
    #expect(try other.ask("SET", "a", "1").hasPrefix("-MISCONF "))
    log.resume()
  }

  @Test func `one that does not read its replies is passed over, and comes again when it does`()
    throws
  {
    let server = try TestServer.small {
      $0.outputLimits.monitor = OutputLimits.Limit(hard: 0, soft: 0, softSeconds: 0)
    }
    let writer = try server.client()
    let other = try server.client()
    let monitor = try server.client()
    let log = try StoppedLog(server.store)
    try Self.fill(writer, other)
    // The second of the queue, and the first once the writer has gone on.
    monitor.send("MONITOR\r\nSET m 1\r\n")
    #expect(try monitor.reply() == "+OK")
    // More than the system's buffers of both sides hold.
    let large = String(repeating: "e", count: 3 << 20)
    for _ in 0..<16 { #expect(try other.ask("ECHO", large).utf8.count == large.utf8.count + 1) }
    log.resume()
    #expect(try other.ask("SET", "o", "1") == "+OK")
    var reply = ""
    while reply != "+OK" { reply = try monitor.reply() }
    #expect(try other.ask("GET", "m") == "$1")
  }
}
