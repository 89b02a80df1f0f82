import Glibc
import Testing

/// A real `kvd` on a file system that has no room left.
@Suite(.enabled(if: SmallDisk.isPermitted, Comment(rawValue: SmallDisk.refusal)))
struct FullDiskTests {
  private static let arguments = ["--partitions", "2", "--memory", "8mib", "--segment", "256kib"]
  private static let value = String(repeating: "v", count: 10_000)

  private static func key(_ number: Int) -> String { "key \(number)" }

  /// Sets keys until one is refused. Returns how many were acknowledged.
  private func setUntilRefused(_ client: TestClient) throws -> Int {
    for number in 0..<10_000 {
      let reply = try client.ask("SET", Self.key(number), Self.value)
      if reply == "+OK" { continue }
      #expect(reply.hasPrefix("-MISCONF no space left for "), "\(reply)")
      return number
    }
    throw TestFailure(message: "the disk never became full")
  }

  /// What was acknowledged: the keys from `first` on, and not those before.
  private func expect(_ first: Int, _ count: Int, _ client: TestClient) throws {
    for number in 0..<count {
      let length = try client.ask("STRLEN", Self.key(number))
      #expect(length == (number < first ? ":0" : ":\(Self.value.utf8.count)"), "key \(number)")
    }
  }

  /// Transactions and scripts that put nothing are carried out, others refused.
  private func expectTransactions(_ client: TestClient, presentKey: String) throws {
    func execute(_ queued: [String]) throws -> String {
      #expect(try client.ask("MULTI") == "+OK")
      #expect(try client.ask(queued) == "+QUEUED")
      return try client.ask("EXEC")
    }
    #expect(try execute(["STRLEN", presentKey]) == "[:\(Self.value.utf8.count)]")
    #expect(try execute(["DEL", "absent"]) == "[:0]")
    #expect(try execute(["SET", "more", Self.value]).hasPrefix("-MISCONF no space left for "))
    let script = "return redis.call('STRLEN', KEYS[1])"
    #expect(try client.ask("EVAL_RO", script, "1", presentKey) == ":\(Self.value.utf8.count)")
  }

  @Test
  func `a full disk refuses SET by name, takes DEL, and nothing acknowledged is lost by kill -9`()
    throws
  {
    let disk = try SmallDisk(byteCount: 64 << 20)
    let path = disk.path + "/data"
    let daemon = try TestDaemon.serving(path, Self.arguments)
    let client = try daemon.client()
    disk.fill(leaving: 3 << 20)
    let count = try setUntilRefused(client)
    disk.fill(leaving: 0)
    try expect(0, count, client)
    let deleted = count / 3
    for number in 0..<deleted { #expect(try client.ask("DEL", Self.key(number)) == ":1") }
    #expect(try client.ask("SET", "more", Self.value).hasPrefix("-MISCONF no space left for "))
    try expectTransactions(client, presentKey: Self.key(deleted))
    try expect(deleted, count, client)

    // Killed while it is full, it comes back while it is full.
    #expect(daemon.end(with: SIGKILL) == -SIGKILL)
    let second = try TestDaemon.serving(path, Self.arguments)
    let reader = try second.client()
    try expect(deleted, count, reader)

    disk.empty()
    var reply = ""
    // It is tried again twice a second.
    for _ in 0..<1000 where reply != "+OK" {
      reply = try reader.ask("SET", "more", Self.value)
      if reply != "+OK" { usleep(20_000) }
    }
    #expect(reply == "+OK")
    #expect(second.end(with: SIGKILL) == -SIGKILL)
    let third = try TestDaemon.serving(path, Self.arguments)
    let last = try third.client()
    try expect(deleted, count, last)
    #expect(try last.ask("STRLEN", "more") == ":\(Self.value.utf8.count)")
    #expect(third.end(with: SIGTERM) == 0)
  }

  @Test func `FLUSHALL makes room on a full disk`() throws {
    let disk = try SmallDisk(byteCount: 64 << 20)
    let daemon = try TestDaemon.serving(disk.path + "/data", Self.arguments)
    let client = try daemon.client()
    disk.fill(leaving: 3 << 20)
    _ = try setUntilRefused(client)
    disk.fill(leaving: 0)
    #expect(try client.ask("SET", "more", Self.value).hasPrefix("-MISCONF no space left for "))
    #expect(try client.ask("FLUSHALL") == "+OK")
    #expect(try client.ask("DBSIZE") == ":0")
    var reply = ""
    for _ in 0..<1000 where reply != "+OK" {
      reply = try client.ask("SET", "more", Self.value)
      if reply != "+OK" { usleep(20_000) }
    }
    #expect(reply == "+OK")
    #expect(daemon.end(with: SIGKILL) == -SIGKILL)
    let again = try TestDaemon.serving(disk.path + "/data", Self.arguments)
    #expect(try again.client().ask("DBSIZE") == ":1")
  }
}
