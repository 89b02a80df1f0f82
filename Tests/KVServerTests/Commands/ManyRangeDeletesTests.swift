import Base
import Glibc
import KVServer
import Testing

@testable import KVServer
@testable import KVStore

/// Very many range deletes over the wire: refused at once, or carried out, and nobody else waits.
///
/// 10,000 of them in a KV.BATCH, an EXEC or a script stopped all clients for ten seconds, 30,000 for minutes.
@Suite struct ManyRangeDeletesTests {
  private static func batch(_ numbers: Range<Int>) -> [String] {
    ["KV.BATCH"] + numbers.flatMap { ["DELPREFIX", "a:\($0):"] }
  }

  private static let refusal =
    "-ERR batch deletes more than 2048 ranges of keys, or more than 8192 large hashes and sets: "
    + "split it"

  @Test func `more than a batch may have are refused, whoever sends them`() throws {
    let server = try TestServer.small()
    let client = try server.client()
    #expect(try client.ask("SET", "a:1:", "x") == "+OK")
    #expect(try client.ask(Self.batch(0..<2049)) == Self.refusal)
    #expect(try client.ask(Self.batch(0..<100_000)) == Self.refusal)
    let script = "for i = 1, ARGV[1] do redis.call('kv.delprefix', 'a:' .. i .. ':') end return 'x'"
    #expect(try client.ask("EVAL", script, "0", "100000") == Self.refusal)
    #expect(try client.ask("MULTI") == "+OK")
    for number in 0..<2049 { client.send(TestClient.encode(["KV.DELPREFIX", "a:\(number):"])) }
    for _ in 0..<2049 { #expect(try client.reply() == "+QUEUED") }
    #expect(try client.ask("EXEC") == Self.refusal)
    #expect(try client.ask("GET", "a:1:") == "$x")
    #expect(try client.ask("EVAL", script, "0", "2048") == "$x")
    #expect(try client.ask("GET", "a:1:") == "nil")
    #expect(try client.ask(Self.batch(0..<2048)) == "+OK")
  }

  /// Keeps everything from being written into the partitions' files until it is released.
  private final class HeldFiles: Sendable {
    private let monitor = Monitor()
    private let state = Lock((isHeld: false, isReleased: false))
    private let thread = Lock<WorkerThread?>(nil)

    init(_ store: Store) {
      thread.withLock {
        $0 = WorkerThread(name: "held") { self.hold(store.partitionSet.partitions[...]) }
      }
      monitor.withLock { while !state.withLock({ $0.isHeld }) { monitor.wait() } }
    }

    private func hold(_ rest: ArraySlice<Partition>) {
      guard let partition = rest.first else {
        return monitor.withLock {
          state.withLock { $0.isHeld = true }
          monitor.broadcast()
          while !state.withLock({ $0.isReleased }) { monitor.wait() }
        }
      }
      guard let transaction = try? partition.environment.beginWrite() else { return }
      hold(rest.dropFirst())
      _ = consume transaction
    }

    func release() {
      monitor.withLock {
        state.withLock { $0.isReleased = true }
        monitor.broadcast()
      }
      thread.withLock { $0?.join() }
    }
  }

  @Test func `while many wait to be carried out only range deletes wait`() throws {
    let server = try TestServer.small()
    let held = HeldFiles(server.store)
    let writer = try server.client()
    var sent = 0
    while !server.store.hasRangeDeleteBacklog {
      #expect(try writer.ask(Self.batch(sent..<sent + 1000)) == "+OK")
      sent += 1000
    }
    let (batch, single, transaction, script) =
      (try server.client(), try server.client(), try server.client(), try server.client())
    batch.send(TestClient.encode(Self.batch(0..<1000)))
    single.send(TestClient.encode(["KV.DELRANGE", "a", "b"]))
    for words in [["MULTI"], ["INCR", "n"], ["KV.DELPREFIX", "c"], ["INCR", "n"], ["EXEC"]] {
      transaction.send(TestClient.encode(words))
    }
    script.send(
      TestClient.encode([
        "EVAL", "redis.call('incr', 's') redis.call('flushall') return redis.call('incr', 's')",
        "0",
      ]))
    for _ in 0..<4 { #expect(try transaction.reply().first == "+") }
    // Others do not wait, neither on the connections' event loop nor for their writes to be durable.
    for number in 0..<200 {
      #expect(try writer.ask("SET", "k\(number)", "x") == "+OK")
    }
    for client in [batch, single, transaction, script] {
      #expect(client.receivedLineCount() == 0)
    }
    held.release()
    #expect(try batch.reply() == "+OK")
    #expect(try single.reply() == "+OK")
    let counts = try transaction.reply()
    // The script's FLUSHALL may have come between, never half of a transaction.
    #expect(counts == "[:1 +OK :2]")
    #expect(try script.reply() == ":1")
    #expect(try writer.ask("GET", "s") == "$1")
    #expect(try writer.ask("SET", "a:5:x", "1") == "+OK")
    #expect(try writer.ask("KV.DELPREFIX", "a:5:") == "+OK")
    #expect(try writer.ask("GET", "a:5:x") == "nil")
  }
}
