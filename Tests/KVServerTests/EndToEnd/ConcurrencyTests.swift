import KVStore
import Testing

@testable import KVServer

struct ConcurrencyTests {
  @Test(arguments: [1, 2]) func `WATCH and EXEC under contention lose no update`(
    ioThreadCount: Int
  ) async throws {
    let server = try TestServer { $0.ioThreadCount = ioThreadCount }
    #expect(try server.client().ask("SET", "counter", "0") == "+OK")
    let clients = try (0..<4).map { _ in try server.client() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in clients {
        group.addTask {
          var done = 0
          while done < 50 {
            _ = try client.ask("WATCH", "counter")
            let value = Int(try client.ask("GET", "counter").dropFirst()) ?? -1
            _ = try client.ask("MULTI")
            _ = try client.ask("SET", "counter", String(value + 1))
            if try client.ask("EXEC") == "[+OK]" { done += 1 }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try server.client().ask("GET", "counter") == "$200")
  }

  @Test func `INCR from many clients counts every one`() async throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    let clients = try (0..<4).map { _ in try server.client() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in clients {
        group.addTask {
          for _ in 0..<10 {
            let pipeline = (0..<20).flatMap { _ in TestClient.encode(["INCR", "n"]) }
            client.send(pipeline)
            for _ in 0..<20 { _ = try client.reply() }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try server.client().ask("GET", "n") == "$800")
  }

  @Test func `MGET never sees half of an MSET`() async throws {
    let server = try TestServer { $0.ioThreadCount = 2 }
    let keys = (0..<10).map { "key:\($0)" }
    let writer = try server.client()
    let reader = try server.client()
    #expect(try writer.ask(["MSET"] + keys.flatMap { [$0, "0"] }) == "+OK")
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for round in 1...300 {
          _ = try writer.ask(["MSET"] + keys.flatMap { [$0, String(round)] })
        }
      }
      group.addTask {
        for _ in 0..<300 {
          let values = try reader.ask(["MGET"] + keys).dropFirst().dropLast().split(separator: " ")
          #expect(values.count == keys.count)
          #expect(Set(values).count == 1)
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func `a pipelined GET sees the SET before it`() throws {
    let server = try TestServer()
    let client = try server.client()
    for round in 0..<50 {
      let value = String(round)
      client.send(
        TestClient.encode(["SET", "a", value]) + TestClient.encode(["GET", "a"])
          + TestClient.encode(["MGET", "a", "b"]) + TestClient.encode(["DEL", "a"])
          + TestClient.encode(["EXISTS", "a"]) + TestClient.encode(["SET", "a", "x"])
          + TestClient.encode(["KV.RANGE", "-", "+"]))
      let expected = ["+OK", "$" + value, "[$\(value) nil]", ":1", ":0", "+OK", "[$a $x]"]
      for reply in expected { #expect(try client.reply() == reply) }
    }
  }
}
