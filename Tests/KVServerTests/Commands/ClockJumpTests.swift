import Base
import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// The machine's clock was two hours ahead while a key expired, and is right again.
///
/// The store's clock does not go back, and took what clients said of theirs for its own: EXPIREAT and the like with
/// a time before its highest answered OK and removed the key, for two hours to come.
struct ClockJumpTests {
  private static let ahead: UInt64 = 7_200_000
  private static let lifetime: UInt64 = 300_000

  private let clock = TestClock(start: 1_800_000_000_000)

  private var options: StoreOptions {
    var options = StoreOptions()
    options.clock = clock.source
    return options
  }

  /// A server whose clock has been ahead.
  private func makeServer(_ change: (inout ServerOptions) -> Void = { _ in }) throws -> TestServer {
    clock.setBack(Self.ahead)
    let server = try TestServer(store: options, change)
    let client = try server.client()
    #expect(try client.line("SET expired 1 EX 60") == "+OK")
    clock.setForward(Self.ahead)
    #expect(try client.line("GET expired") == "nil")
    clock.setBack(Self.ahead)
    return server
  }

  @Test(arguments: [
    "SET k v PXAT MS", "SET k v EXAT S", "GETEX k PXAT MS", "GETEX k EXAT S", "PEXPIREAT k MS",
    "EXPIREAT k S", "RESTORE k MS DUMP ABSTTL REPLACE", "PEXPIRE k LEFT", "SET k v PX LEFT",
    "PEXPIREAT k MS NX", "EVAL PEXPIREAT k MS",
  ])
  func `a time of the clock that clients see is taken and told again as such`(pattern: String)
    throws
  {
    let server = try makeServer()
    let client = try server.client()
    let moment = (clock.wall + Self.lifetime) / 1000 * 1000
    let left = moment - clock.wall
    #expect(try client.line("SET k v") == "+OK")
    try send(pattern, moment: moment, left: left, to: client)
    #expect(try client.line("GET k") == "$v")
    #expect(try client.line("PEXPIRETIME k") == ":\(moment)")
    #expect(try client.line("EXPIRETIME k") == ":\(moment / 1000)")
    #expect(try client.line("PTTL k") == ":\(left)")
    // Neither sooner nor later than by that clock.
    clock.advance(left - 1)
    #expect(try client.line("GET k") == "$v")
    #expect(try client.line("PEXPIRETIME k") == ":\(moment)")
    clock.advance(1)
    #expect(try client.line("GET k") == "nil")
  }

  private func send(
    _ pattern: String, moment: UInt64, left: UInt64, to client: TestClient
  ) throws {
    if pattern.hasPrefix("RESTORE") {
      let script = """
        return redis.call('RESTORE', KEYS[1], ARGV[1], redis.call('DUMP', KEYS[1]), 'ABSTTL', 'REPLACE')
        """
      #expect(try client.ask("EVAL", script, "1", "k", "\(moment)") == "+OK")
      return
    }
    if pattern.hasPrefix("EVAL") {
      let script = "return redis.call('PEXPIREAT', KEYS[1], ARGV[1])"
      #expect(try client.ask("EVAL", script, "1", "k", "\(moment)") == ":1")
      return
    }
    let line = pattern.replacing("MS", with: "\(moment)").replacing("LEFT", with: "\(left)")
      .replacing(" S", with: " \(moment / 1000)")
    let reply = try client.line(line)
    #expect(["+OK", ":1", "$v"].contains(reply), "\(line): \(reply)")
  }

  @Test func `a time in the past of that clock still removes the key, and GT and LT compare by it`()
    throws
  {
    let server = try makeServer()
    let client = try server.client()
    let now = clock.wall
    #expect(try client.line("SET k v PXAT \(now + 5000)") == "+OK")
    #expect(try client.line("PEXPIREAT k \(now + 4000) GT") == ":0")
    #expect(try client.line("PEXPIREAT k \(now + 6000) LT") == ":0")
    #expect(try client.line("PEXPIREAT k \(now + 6000) GT") == ":1")
    #expect(try client.line("PEXPIRETIME k") == ":\(now + 6000)")
    #expect(try client.line("PEXPIREAT k \(now)") == ":1")
    #expect(try client.line("GET k") == "nil")
    #expect(try client.line("SET k v PXAT \(now - 1)") == "+OK")
    #expect(try client.line("GET k") == "nil")
    #expect(try client.line("SET k v") == "+OK")
    #expect(try client.line("PEXPIREAT k -5") == ":1")
    #expect(try client.line("GET k") == "nil")
  }

  @Test func `after a restart, too, it is taken, and what had expired stays so`() throws {
    let server = try makeServer { $0.debugCommands = .yes }
    let client = try server.client()
    #expect(try client.line("DEBUG RELOAD") == "+OK")
    #expect(try client.line("GET expired") == "nil")
    let moment = clock.wall + Self.lifetime
    #expect(try client.line("SET k v PXAT \(moment)") == "+OK")
    for _ in 0..<20 {
      clock.advance(Self.lifetime / 30)
      #expect(try client.line("DEBUG RELOAD") == "+OK")
      #expect(try client.line("PEXPIRETIME k") == ":\(moment)")
      #expect(try client.line("PTTL k") == ":\(moment - clock.wall)")
      #expect(try server.store.statistics().clockLeadMilliseconds == Self.ahead)
    }
    clock.advance(moment - clock.wall - 1)
    #expect(try client.line("GET k") == "$v")
    clock.advance(1)
    #expect(try client.line("GET k") == "nil")
    #expect(try client.line("DEBUG RELOAD") == "+OK")
    #expect(try client.line("GET k") == "nil")
  }

  @Test func `a clock that has caught up is translated no more, and what had expired stays so`()
    throws
  {
    let server = try makeServer { $0.debugCommands = .yes }
    let client = try server.client()
    let moment = clock.wall + Self.lifetime
    #expect(try client.line("SET k v PXAT \(moment)") == "+OK")
    #expect(try client.line("DEBUG RELOAD") == "+OK")
    clock.setForward(Self.ahead)
    #expect(try client.line("DEBUG RELOAD") == "+OK")
    #expect(try server.store.statistics().clockLeadMilliseconds == 0)
    #expect(try client.line("GET expired") == "nil")
    #expect(try client.line("PEXPIRETIME k") == ":\(moment + Self.ahead)")
  }

  @Test func `INFO and KV.STATS show by how much the store's clock is ahead`() throws {
    let server = try makeServer()
    let client = try server.client()
    for command in ["INFO", "KV.STATS"] {
      #expect(try client.line(command).contains("expiry_clock_offset_ms"))
    }
    #expect(try server.store.statistics().clockLeadMilliseconds == Self.ahead)
    clock.setForward(Self.ahead)
    #expect(try server.store.statistics().clockLeadMilliseconds == 0)
  }

  @Test func `each time that the clock is set back is logged, once`() throws {
    let lines = Lock<[String]>([])
    let server = try makeServer { options in
      options.log = { line in lines.withLock { $0.append(line) } }
    }
    func count(_ words: String) -> Int { lines.withLock { $0.count { $0.contains(words) } } }
    func wait(for words: String) { for _ in 0..<2000 where count(words) == 0 { usleep(5000) } }
    wait(for: "2 h 0 min 0.0 s behind")
    #expect(count("2 h 0 min 0.0 s behind") == 1)
    clock.setBack(60_000)
    wait(for: "2 h 1 min 0.0 s behind")
    clock.setForward(Self.ahead + 60_000)
    wait(for: "caught up")
    server.stop()
    #expect(count("behind the expiry clock") == 2)
    #expect(count("caught up") == 1)
  }
}
