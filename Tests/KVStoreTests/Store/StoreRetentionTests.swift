import Glibc
import Testing

@testable import KVStore

/// Holds and cursors of a store: what the log's own tests do not see.
@Suite struct StoreRetentionTests {
  private static func put(_ number: Int, _ byteCount: Int, in store: Store) throws
    -> SequenceNumber
  {
    var batch = Batch()
    for key in 0..<4 {
      try batch.put(
        Array("key \(number) \(key)".utf8),
        [UInt8](repeating: UInt8(number % 251), count: byteCount))
    }
    return try store.commit(batch)
  }

  @Test func `a cursor shows each commit, with its sequence and all that it changed`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let cursor = try store.cursor(from: .end)
    for number in 1...20 {
      let sequence = try Self.put(number, 100, in: store)
      let batch = try #require(try cursor.next())
      #expect(batch.sequence == sequence && batch.end.rawValue == store.durablePosition)
      var keys = 0
      batch.forEachSection { partition, mutations in
        #expect((0..<4).contains(partition))
        var offset = 0
        while offset < mutations.byteCount, let mutation = Mutation.parse(mutations, at: offset) {
          keys += 1
          offset = mutation.end
        }
      }
      #expect(keys == 4)
      #expect(store.publishedSequence >= batch.sequence)
    }
  }

  @Test func `a hold keeps the log over checkpoints and restarts, and the figures say so`() throws {
    let fixture = try StoreFixture()
    let position = fixture.store.durablePosition
    _ = try fixture.store.retention.hold(from: .end, by: "feed")
    for number in 0..<60 { _ = try Self.put(number, 20_000, in: fixture.store) }
    try fixture.store.checkpoint()
    try fixture.reopen()
    let store = fixture.store
    let statistics = try store.statistics()
    #expect(statistics.holdCount == 1 && statistics.lostHoldCount == 0)
    #expect(statistics.oldestHold == "feed")
    #expect(statistics.heldLogByteCount >= 60 * 4 * 20_000 - (2 << 20))
    let hold = try #require(store.retention.hold(named: "feed"))
    #expect(hold.position.rawValue == position)
    let cursor = try store.retention.cursor(of: hold)
    var count = 0
    while try cursor.next(wait: .zero) != nil { count += 1 }
    #expect(count >= 60)
    try hold.release()
    try store.checkpoint()
    #expect(try store.statistics().heldLogByteCount == 0)
    try fixture.close()
    let report = try StoreInspection(at: fixture.directory.path).check()
    #expect(report.isSound && report.holds == [])
  }

  private static func refusesWrites(_ store: Store) -> Bool {
    do throws(StoreError) {
      _ = try store.tryAdmit(byteCount: 20_000)
      return false
    } catch {
      if case .logHeld = error { return true }
      return false
    }
  }

  @Test func `a hold that blocks refuses writes with its name, and releasing it admits them`()
    throws
  {
    let fixture = try StoreFixture { options in
      options.retention.byteLimit = 1 << 20
      options.logByteLimit = 512 << 10
    }
    let store = fixture.store
    let hold = try store.retention.hold(from: .end, by: "standby", policy: .block)
    var refusal: StoreError?
    for number in 0..<2000 where refusal == nil {
      do throws(StoreError) {
        var batch = Batch()
        try batch.put(Array("key \(number)".utf8), [UInt8](repeating: 1, count: 20_000))
        _ = try store.commit(batch)
        if number % 10 == 9 { try store.checkpoint() }
      } catch {
        refusal = error
      }
    }
    guard case .logHeld(let reason) = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
    #expect(reason.contains("standby"))
    #expect(try store.get(Array("key 0".utf8)) != nil)
    try store.checkpoint()
    try hold.release()
    // The keeper makes the next segment in a moment.
    while Self.refusesWrites(store) { usleep(1000) }
    #expect(store.diskFull == nil)
  }
}
