import Glibc
import Testing

/// The daemon's messages: a stderr that nobody reads holds up nobody, and what is written stays in order.
struct LogTests {
  /// The story: a full pipe behind stderr blocked the event loop, or all writers, inside write(2).
  @Test func `a pipe that nobody reads keeps no client waiting`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path)
    let client = try daemon.client()
    let script =
      "for i = 1, 100 do redis.log(2, ARGV[1] .. ' ' .. ('x'):rep(900)) end return redis.call('INCR', 'n')"
    // More than the pipe takes and what may wait for it.
    for round in 1...60 {
      #expect(try client.ask("EVAL", script, "0", "round \(round) ") == ":\(round)")
    }
    #expect(try client.ask("PING") == "+PONG")
    #expect(daemon.end(with: SIGTERM) == 0)
    let text = daemon.text
    #expect(
      text.contains(" messages were dropped: they were logged faster than they could be written\n"))
    let rounds = text.split(separator: "\n").compactMap { line in
      line.split(separator: "script: round ").dropFirst().first.flatMap {
        Int($0.prefix { $0 != " " })
      }
    }
    #expect(rounds.count >= 1_000 && rounds.count < 6_000)
    #expect(rounds == rounds.sorted())
  }

  @Test func `what was said before a stop is there`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path)
    let client = try daemon.client()
    for number in 0..<50 {
      #expect(try client.ask("EVAL", "redis.log(2, 'line \(number)')", "0") == "nil")
    }
    #expect(daemon.end(with: SIGTERM) == 0)
    for number in 0..<50 { #expect(daemon.text.contains("script: line \(number)\n")) }
    #expect(daemon.text.hasSuffix("stopped; the store is closed\n"))
  }
}
