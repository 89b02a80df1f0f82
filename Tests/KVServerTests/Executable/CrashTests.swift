import Base
import Glibc
import Testing

@testable import KVStore

/// A real `kvd` that ends while clients write: what was acknowledged is there, batches are whole.
struct CrashTests {
  /// What one writer was told: the numbers of its last batch that was sent, and acknowledged.
  private struct Told {
    var sent = 0
    var acknowledged = 0
  }

  private static let keysPerBatch = 5

  /// Pipelines MULTI batches until the connection ends. Batch n sets all of the writer's keys to n, and
  /// one more key of its own.
  private static func write(_ number: Int, to client: TestClient, _ told: inout Told) {
    let depth = 8
    while true {
      var request: [UInt8] = []
      for _ in 0..<depth {
        told.sent += 1
        request += TestClient.encode(["MULTI"])
        for key in 0..<keysPerBatch {
          request += TestClient.encode(["SET", "\(number):\(key)", "\(told.sent)"])
        }
        request += TestClient.encode(["SET", "\(number):batch:\(told.sent)", "x"])
        request += TestClient.encode(["EXEC"])
      }
      client.send(request)
      for _ in 0..<depth {
        for _ in 0..<(keysPerBatch + 2) {
          guard (try? client.reply()) != nil else { return }
        }
        guard let reply = try? client.reply(), reply.hasPrefix("[+OK") else { return }
        told.acknowledged += 1
      }
    }
  }

  /// Runs writers against a daemon until `stop` has been done to it, and returns what they were told.
  private static func run(
    _ daemon: TestDaemon, afterBatches count: Int, _ stop: @escaping @Sendable () -> Void
  ) throws -> [Told] {
    let writerCount = 4
    let clients = try (0..<writerCount).map { _ in try daemon.client() }
    let told = Lock([Told](repeating: Told(), count: writerCount))
    try inThreads(writerCount + 1) { number in
      if number == writerCount {
        let watcher = try daemon.client()
        while try watcher.ask("EXISTS", "0:batch:\(count)") == ":0" {}
        stop()
      } else {
        var mine = Told()
        write(number, to: clients[number], &mine)
        let result = mine
        told.withLock { $0[number] = result }
      }
    }
    return told.withLock { $0 }
  }

  private static func check(_ path: String, _ told: [Told]) throws {
    let store = try Store.open(at: path)
    defer { try? store.close() }
    func text(_ key: String) throws -> String? {
      try store.get(Array(key.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }
    for (number, told) in told.enumerated() {
      let newest = Int(try text("\(number):0") ?? "0") ?? -1
      #expect(newest >= told.acknowledged && newest <= told.sent)
      for key in 0..<keysPerBatch {
        let value = try text("\(number):\(key)") ?? "0"
        #expect(Int(value) == newest, "half of a batch")
      }
      var missing = 0
      for batch in 1...max(1, newest) where try text("\(number):batch:\(batch)") == nil {
        missing += 1
      }
      #expect(missing == 0 || newest == 0)
      let beyond = try text("\(number):batch:\(newest + 1)")
      #expect(beyond == nil)
    }
  }

  @Test(arguments: [["--io-threads", "1"], ["--io-threads", "2", "--memory", "8mib"]])
  func `kill -9 under pipelined transactions loses nothing that was acknowledged`(
    arguments: [String]
  ) throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path, arguments)
    let told = try Self.run(daemon, afterBatches: 200) { daemon.signal(SIGKILL) }
    #expect(daemon.wait() == -SIGKILL)
    try Self.check(directory.path, told)
  }

  @Test func `SIGTERM under pipelined transactions exits with 0 and loses nothing`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path)
    let told = try Self.run(daemon, afterBatches: 200) { daemon.signal(SIGTERM) }
    #expect(daemon.wait() == 0)
    #expect(daemon.text.contains("stopped; the store is closed"))
    try Self.check(directory.path, told)
    let again = try TestDaemon.serving(directory.path)
    #expect(try again.client().ask("EXISTS", "0:batch:1") == ":1")
    #expect(again.end(with: SIGINT) == 0)
  }
}
