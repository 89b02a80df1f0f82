import Base
import Glibc
import KVStore
import Testing

@testable import KVServer

/// INFO once counted all keys in memory and read LMDB's lists of free pages each time, on an event loop.
struct FigureTests {
  private static func slow(_ value: Int) -> Figure<Int>.Made {
    usleep(20_000)
    return .init(value: value)
  }

  @Test func `a figure that is made quickly is that of the moment`() throws {
    let figure = Figure<Int>()
    for number in 0..<100 { #expect(try figure.value { .init(value: number) } == number) }
  }

  @Test func `one that takes long is computed again where nobody waits, and only if somebody asks`()
    throws
  {
    let figure = Figure<Int>()
    // The first time the machine may have been busy.
    #expect(try figure.value { Self.slow(1) } == 1)
    #expect(try figure.value { Self.slow(2) } == 2)
    #expect(try figure.value { Self.slow(3) } == 2)
    usleep(300_000)
    try figure.refreshIfRequested { Self.slow(4) }
    #expect(try figure.value { Self.slow(5) } == 4)
    // It may take a tenth of the time.
    try figure.refreshIfRequested { Self.slow(6) }
    #expect(try figure.value { Self.slow(7) } == 4)
    usleep(300_000)
    try figure.refreshIfRequested { .init(value: 8) }
    usleep(300_000)
    try figure.refreshIfRequested { Self.slow(9) }
    #expect(try figure.value { .init(value: 10) } == 10)
  }

  @Test func `an estimate is kept until somebody has the time to count`() throws {
    let figure = Figure<Int>()
    #expect(try figure.value { .init(value: 11, isEstimate: true) } == 11)
    #expect(try figure.value { .init(value: 12, isEstimate: true) } == 11)
    usleep(1_000)
    try figure.refreshIfRequested { Self.slow(10) }
    #expect(try figure.value { .init(value: 13, isEstimate: true) } == 10)
  }

  @Test func `INFO tells the keys of a store that has many, soon after`() throws {
    let server = try TestServer()
    let client = try server.client()
    let count = 40_000
    for start in stride(from: 0, to: count, by: 4_000) {
      #expect(
        try client.ask(["MSET"] + (start..<start + 4_000).flatMap { ["k\($0)", "v"] }) == "+OK")
    }
    #expect(try client.ask("DBSIZE") == ":\(count)")
    let end = ContinuousClock.now + .seconds(30)
    var info = ""
    while !info.contains("db0:keys=\(count),"), ContinuousClock.now < end {
      info = try client.ask("INFO", "keyspace")
      usleep(50_000)
    }
    #expect(info.contains("db0:keys=\(count),"))
    #expect(try client.ask("KV.STATS").contains("$lmdb_free_pages $"))
    server.stop()
  }
}
