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
}
