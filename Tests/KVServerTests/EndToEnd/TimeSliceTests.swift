import Testing

@testable import KVServer

/// One connection's pipeline has a slice of time, after which others get their turn, whatever it consists of.
///
/// The story: 64 KiB of slow commands ran to their end before anybody else of the I/O thread was served, for hours if
/// each took seconds; not even a stop was seen.
struct TimeSliceTests {
  private static func slowServer() throws -> TestServer {
    try TestServer { $0.debugCommands = .yes }
  }

  private static func pipeline(_ count: Int, _ command: [String]) -> [UInt8] {
    (0..<count).flatMap { _ in
      TestClient.encode(["DEBUG", "SLEEP", "0.003"]) + TestClient.encode(command)
    }
  }

  /// Sends what each is to send while the only I/O thread sleeps, so that it finds all of it at once.
  private static func sendTogether(_ server: TestServer, _ requests: [(TestClient, [UInt8])]) throws
  {
    let blocker = try server.client()
    #expect(try blocker.ask("PING") == "+PONG")
    blocker.send(TestClient.encode(["DEBUG", "SLEEP", "1"]))
    for (client, bytes) in requests { client.send(bytes) }
    #expect(try blocker.reply() == "+OK")
  }

  @Test func `beside a pipeline of slow commands others are answered after a few of them`() throws {
    let server = try Self.slowServer()
    let slow = try server.client()
    let other = try server.client()
    let count = 100
    try Self.sendTogether(
      server,
      [(slow, Self.pipeline(count, ["INCR", "n"])), (other, TestClient.encode(["GET", "n"]))])
    let done = try other.reply()
    #expect(["nil", "$1", "$2", "$3"].contains(done), "\(done) of \(count) commands came first")
    for index in 1...count {
      #expect(try slow.reply() == "+OK")
      #expect(try slow.reply() == ":\(index)")
    }
    server.stop()
  }

  @Test func `pipelines of slow commands take turns`() throws {
    let server = try Self.slowServer()
    let clients = try ["a", "b", "c"].map { ($0, try server.client()) }
    let count = 40
    try Self.sendTogether(
      server, clients.map { ($1, Self.pipeline(count, ["APPEND", "order", $0])) })
    for (_, client) in clients {
      for _ in 0..<count {
        #expect(try client.reply() == "+OK")
        #expect(try client.reply().hasPrefix(":"))
      }
    }
    let order = try server.client().ask("GET", "order").dropFirst()
    #expect(order.count == 3 * count)
    // Each is there in any few in a row, as long as all have something to do.
    let shared = Array(order.prefix(2 * count))
    for start in 0..<shared.count - 9 {
      #expect(Set(shared[start..<start + 9]).count == 3, "\(order)")
    }
    server.stop()
  }

  @Test func `a stop is seen between the commands of a pipeline`() throws {
    let server = try Self.slowServer()
    let slow = try server.client()
    let count = 2_000
    slow.send(
      (0..<count).flatMap { _ in
        TestClient.encode(["DEBUG", "SLEEP", "0.01"]) + TestClient.encode(["INCR", "n"])
      })
    #expect(try slow.reply() == "+OK")
    server.stop()
    let restarted = try server.restarted()
    let done = try restarted.client().ask("GET", "n")
    #expect(
      Int(done.dropFirst()).map { $0 < count / 2 } ?? true, "\(done) of \(count) were carried out")
    restarted.stop()
  }
}
