import Glibc
import Testing

struct MemoryTests {
  /// Far more than the store may keep in memory is pipelined by several clients at once: they are made
  /// to wait, and nothing is lost or grows.
  @Test func `floods of writes wait for the disk in bounded memory`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(
      directory.path, ["--memory", "8mib", "--partitions", "4", "--io-threads", "2"])
    let value = String(repeating: "v", count: 1000)
    let clients = try (0..<4).map { _ in try daemon.client() }
    try inThreads(8) { number in
      let client = clients[number / 2]
      let count = 8000
      if number % 2 == 0 {
        for key in 0..<count {
          client.send(TestClient.encode(["SET", "\(number / 2):\(key)", value]))
        }
      } else {
        var most = 0
        for answered in 0..<count {
          let reply = try client.reply()
          #expect(reply == "+OK")
          if answered % 1000 == 0 { most = max(most, daemon.anonymousByteCount) }
        }
        // What a sanitizer remembers of each byte and each freed block is not the daemon's.
        if !Sanitizer.isOn { #expect(most < 160 << 20) }
      }
    }
    let client = try daemon.client()
    #expect(try client.ask("DBSIZE") == ":32000")
    for number in 0..<4 { #expect(try client.ask("GET", "\(number):7999") == "$" + value) }
    #expect(daemon.end(with: SIGTERM) == 0)
  }

  @Test func `clients beyond the limit on open files are refused and the store goes on`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(
      directory.path, ["--memory", "8mib"], shell: "ulimit -n 250")
    #expect(daemon.text.contains("the limit on open files is too low"))
    var clients: [TestClient] = []
    var isRefused = false
    while !isRefused {
      let client = try daemon.client()
      isRefused = (try? client.ask("PING")) != "+PONG"
      if !isRefused { clients.append(client) }
    }
    #expect(clients.count > 20 && clients.count < 250)
    let value = String(repeating: "v", count: 100_000)
    for key in 0..<500 { #expect(try clients[0].ask("SET", "\(key)", value) == "+OK") }
    #expect(try clients[0].ask("KV.CHECKPOINT") == "+OK")
    #expect(daemon.end(with: SIGTERM) == 0)
  }
}
