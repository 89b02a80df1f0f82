import Synchronization
import Testing

@testable import KVServer

/// The server looks ahead in a pipeline; whatever it sees there, the replies are those of one request after
/// the other.
@Suite struct PipelineTests {
  /// A request as it is sent, and the replies that it must get.
  private typealias Exchange = (bytes: [UInt8], replies: [String])

  private static func exchange(_ model: inout [String: String]) -> Exchange {
    let key = "key \(Int.random(in: 0..<40))" + String(repeating: "k", count: .random(in: 0..<20))
    let value = model[key]
    switch Int.random(in: 0..<12) {
    case 0...2: return (TestClient.encode(["GET", key]), [value.map { "$" + $0 } ?? "nil"])
    case 3...4:
      model[key] = "\(Int.random(in: 0..<100_000))"
      return (TestClient.encode(["SET", key, model[key]!]), ["+OK"])
    case 5:
      model[key] = "\((value.flatMap { Int($0) } ?? 0) + 1)"
      return (TestClient.encode(["INCR", key]), [":" + model[key]!])
    case 6:
      model[key] = nil
      return (TestClient.encode(["DEL", key]), [value == nil ? ":0" : ":1"])
    case 7: return (TestClient.encode(["PING"]), ["+PONG"])
    case 8: return (Array("*0\r\n\r\n".utf8), [])
    case 9: return (Array("GET '\(key)'\r\n".utf8), [value.map { "$" + $0 } ?? "nil"])
    case 10: return (TestClient.encode(["ECHO", ""]), ["$"])
    default: return (TestClient.encode(["KV.CHECKPOINT"]), ["+OK"])
    }
  }

  @Test func `requests of every kind in one pipeline are answered one after the other`() throws {
    let server = try TestServer()
    let client = try server.client()
    var model: [String: String] = [:]
    for _ in 0..<30 {
      let exchanges = (0..<Int.random(in: 1...60)).map { _ in Self.exchange(&model) }
      client.send(exchanges.flatMap(\.bytes))
      for (bytes, replies) in exchanges {
        for reply in replies {
          #expect(try client.reply() == reply, "to \(String(decoding: bytes, as: UTF8.self))")
        }
      }
    }
  }

  /// What the look ahead has found of a key in the file is used by the request's own look-up; a request before
  /// it may have written the key, and a memtable may have been applied.
  @Test(arguments: [1, 2]) func `keys at rest are read as the requests before have left them`(
    ioThreadCount: Int
  ) throws {
    let server = try TestServer.small { $0.ioThreadCount = ioThreadCount }
    let isDone = Atomic<Bool>(false)
    try inThreads(2) { number in
      let client = try server.client()
      if number == 1 {
        while !isDone.load(ordering: .relaxed) { #expect(try client.ask("KV.CHECKPOINT") == "+OK") }
        return
      }
      defer { isDone.store(true, ordering: .relaxed) }
      var values: [Int: String] = [:]
      for round in 0..<60 {
        let asked = (0..<30).shuffled()
        var pipeline: [UInt8] = []
        for index in asked {
          let (key, number) = ("key \(index)", "number \(index)")
          for request in [
            ["GET", key], ["INCR", number], ["SET", key, "\(round)"], ["GET", key],
            ["SET", key, "\(round)+", "XX", "GET"], ["INCR", number], ["DEL", number],
            ["INCR", number], ["GETSET", key, "\(round)++"],
          ] { pipeline += TestClient.encode(request) }
        }
        client.send(pipeline)
        for index in asked {
          let old = values[index].map { "$" + $0 } ?? "nil"
          let counts = values[index] == nil ? [":1", ":2"] : [":2", ":3"]
          for reply in [
            old, counts[0], "+OK", "$\(round)", "$\(round)", counts[1], ":1", ":1", "$\(round)+",
          ] { #expect(try client.reply() == reply) }
          values[index] = "\(round)++"
        }
      }
    }
  }

  @Test(
    arguments: [
      "*2\r\n$3\r\nGET\r\n$99999\r\nx", "*2\r\n$3\r\nGET\r\n$-1\r\n", "*3\r\nGET\r\n", "*2\r\n$3",
      "*99999\r\n$3\r\nGET\r\n$1\r\na\r\n", "*2\r\n$0\r\n\r\n$0\r\n\r\n", "*\r\n", "*1\r\n",
    ])
  func `what stands behind a sound request takes nothing from it`(rest: String) throws {
    let server = try TestServer()
    let client = try server.client()
    client.send(
      TestClient.encode(["SET", "a", "1"]) + TestClient.encode(["GET", "a"]) + rest.utf8)
    #expect(try client.reply() == "+OK")
    #expect(try client.reply() == "$1")
  }

  @Test(arguments: [1, 15, 16, 17, 32, 33, 500])
  func `an MSET of any number of keys sets each of them`(count: Int) throws {
    let server = try TestServer()
    let client = try server.client()
    for round in 0..<2 {
      let pairs = (0..<count).flatMap { ["key \($0)", "\(round) \($0)"] }
      #expect(try client.ask(["MSET"] + pairs) == "+OK")
      // The first value of a key that is named twice is not seen.
      #expect(try client.ask("MSET", "twice", "1", "key 0", "\(round) 0", "twice", "2") == "+OK")
      for index in 0..<count {
        #expect(try client.ask("GET", "key \(index)") == "$\(round) \(index)")
      }
      #expect(try client.ask("GET", "twice") == "$2")
    }
    #expect(try client.ask("DBSIZE") == ":\(count + 1)")
  }
}
