import Base
import KVStore
import Testing

@testable import KVServer

/// Clients that send much before they read anything: redis-py, redis-rb and go-redis write a whole pipeline first.
///
/// The story: with a MiB of replies unread nothing more was received; the client, which could not send the rest, never
/// began to read, and was cut off after a minute without a word in the log.
struct UnreadRepliesTests {
  /// What is sent and comes back, more than the system's buffers of both sides hold.
  private static let rounds = 3_000
  private static let text = String(repeating: "e", count: 8_000)

  private static var pipeline: [UInt8] {
    (0..<rounds).flatMap { TestClient.encode(["ECHO", "\($0)" + text]) }
  }

  private static func expectReplies(_ client: TestClient) throws {
    for number in 0..<rounds {
      let reply = try client.reply()
      #expect(reply.utf8.count == "$\(number)".utf8.count + text.utf8.count)
      #expect(reply.hasPrefix("$\(number)e"))
    }
  }

  private static func field(_ name: String, _ client: TestClient) throws -> Int {
    let info = try client.ask("INFO", "stats")
    let field = try #require(info.split(separator: "\r\n").first { $0.hasPrefix("\(name):") })
    return try #require(Int(field.split(separator: ":")[1]))
  }

  @Test func `a pipeline is sent as a whole before the first reply is read`() throws {
    let server = try TestServer { $0.stallTimeoutSeconds = 15 }
    let client = try server.client()
    client.send(Self.pipeline)
    let other = try server.client()
    #expect(try other.ask("SET", "a", "1") == "+OK")
    try Self.expectReplies(client)
    #expect(try client.ask("GET", "a") == "$1")
    #expect(try Self.field("kvd_stalled_client_disconnections", other) == 0)
  }

  @Test func `beyond the query buffer's limit a client waits, and loses nothing once it reads`()
    throws
  {
    let server = try TestServer { $0.queryBufferByteLimit = 1 << 20 }
    let client = try server.client()
    try inThreads(2) { number in
      if number == 0 { client.send(Self.pipeline) } else { try Self.expectReplies(client) }
    }
    #expect(try Self.field("client_query_buffer_limit_disconnections", client) == 0)
  }

  @Test func `beyond the limit and unread, it is cut off, counted and logged`() throws {
    let lines = Lock<[String]>([])
    let server = try TestServer {
      $0.queryBufferByteLimit = 1 << 20
      $0.stallTimeoutSeconds = 1
      $0.log = { line in lines.withLock { $0.append(line) } }
    }
    let client = try server.client()
    client.send(Self.pipeline)
    let other = try server.client()
    while try Self.field("kvd_stalled_client_disconnections", other) == 0 {}
    let told = lines.withLock { $0.filter { $0.contains("client-stall-timeout") } }
    #expect(told.count == 1)
    #expect(try other.ask("CONFIG", "RESETSTAT") == "+OK")
    #expect(try Self.field("kvd_stalled_client_disconnections", other) == 0)
  }

  /// It would hold memory that others wait for.
  @Test func `the largest of those that do not read is evicted when memory is short`() throws {
    let lines = Lock<[String]>([])
    let server = try TestServer {
      $0.clientMemoryByteCount = Server.leastClientMemoryByteCount
      $0.log = { line in lines.withLock { $0.append(line) } }
    }
    let hog = try server.client()
    let chunk = Self.pipeline
    hog.send(chunk)
    // Later, so that there is no moment at which this one alone has not read for long enough.
    let small = try server.client()
    small.send(chunk)
    for _ in 1..<8 { hog.send(chunk) }
    let other = try server.client()
    while try Self.field("evicted_clients", other) == 0 {}
    #expect(lines.withLock { $0.contains { $0.contains("maxmemory-clients") } })
    try Self.expectReplies(small)
    #expect(try small.ask("PING") == "+PONG")
  }

  /// Nothing waits to be received; the memory is just too little for a reply.
  @Test func `the largest of those that do not read is evicted when a reply is refused`() throws {
    let server = try TestServer { $0.clientMemoryByteCount = Server.leastClientMemoryByteCount }
    let client = try server.client()
    #expect(try client.ask("SET", "v", String(repeating: "v", count: 60 << 20)) == "+OK")
    let hogs = try (0..<2).map { _ in try server.client() }
    for hog in hogs {
      hog.send(Self.pipeline)
      hog.send(Self.pipeline)
    }
    while try client.ask("GET", "v").hasPrefix("-OOM") {}
    #expect(try Self.field("evicted_clients", client) >= 1)
    for hog in hogs { hog.reset() }
  }

  /// Any client could have others cut off that way, as often as it liked.
  @Test func `who asks for more than there can be has nobody evicted that takes little`() throws {
    let server = try TestServer { $0.clientMemoryByteCount = Server.leastClientMemoryByteCount }
    let slow = try server.client()
    slow.send(Self.pipeline)
    let client = try server.client()
    #expect(try client.ask("SET", "v", String(repeating: "v", count: 60 << 20)) == "+OK")
    // By then it has not read for long enough to be one of those that may be evicted.
    let end = ContinuousClock.now + .seconds(4)
    while ContinuousClock.now < end {
      #expect(try client.ask("MGET", "v", "v", "v").hasPrefix("-OOM"))
    }
    #expect(try Self.field("evicted_clients", client) == 0)
    try Self.expectReplies(slow)
    server.stop()
  }

  /// To move a long queue to its buffer's start for each piece that is received would be quadratic.
  @Test func `a long queue is not moved when little of it was consumed`() {
    var buffer = ByteBuffer()
    buffer.reserveTotal(1 << 20)
    [UInt8](repeating: 1, count: 1 << 20).withRawBytes { buffer.append($0) }
    buffer.consume(1000)
    #expect(buffer.totalRoom == (1 << 20) - 1000)
    buffer.reserveTotal(1 << 20)
    #expect(buffer.capacity == (1 << 20) + 1000)
    buffer.consume(1 << 19)
    #expect(buffer.totalRoom == buffer.capacity)
    buffer.reserveTotal(1 << 20)
    #expect(buffer.capacity == (1 << 20) + 1000)
    #expect(buffer.count == (1 << 19) - 1000)
  }
}
