import Base
import Testing

@testable import KVStore

@Suite struct SnapshotAgeTests {
  private static let tooOld = StoreError.snapshotTooOld(limitSeconds: 60)

  private func made(limit: Duration = .seconds(60)) throws -> StoreFixture {
    let fixture = try StoreFixture { $0.snapshotAgeLimit = limit }
    for number in 0..<100 { try fixture.store.put(bytes("key \(number)"), bytes("old")) }
    try fixture.store.checkpoint()
    return fixture
  }

  private func pass(_ duration: Duration, _ store: Store) {
    store.openSnapshots.expire(now: .now + duration)
  }

  @Test func `a snapshot that is too old is ended, says so and is counted; a younger one reads on`()
    throws
  {
    let fixture = try made()
    defer { try? fixture.close() }
    let store = fixture.store
    let snapshot = try store.snapshot()
    pass(.seconds(30), store)
    #expect(try snapshot.get(bytes("key 1")) == bytes("old"))
    #expect(try store.statistics().expiredSnapshotCount == 0)
    pass(.seconds(61), store)
    #expect(throws: Self.tooOld) { try snapshot.get(bytes("key 1")) }
    #expect(throws: Self.tooOld) { try snapshot.countEntries() }
    #expect(throws: Self.tooOld) { try snapshot.scan(.everything) { _, _ in true } }
    #expect(try store.statistics().expiredSnapshotCount == 1)
    pass(.seconds(90), store)
    #expect(try store.statistics().expiredSnapshotCount == 1)
    #expect(try store.snapshot().get(bytes("key 1")) == bytes("old"))
    snapshot.close()
  }

  /// Pages are pinned by a reader of LMDB that is active; an ended snapshot has given its readers back, which
  /// the next one takes instead of new slots.
  @Test func `an ended snapshot lets go of LMDB's pages`() throws {
    let fixture = try made()
    defer { try? fixture.close() }
    let store = fixture.store
    var snapshots: [Snapshot] = []
    var slots: [Int] = []
    for _ in 0..<20 {
      snapshots.append(try store.snapshot())
      pass(.seconds(61), store)
      slots.append(try store.statistics().readerSlotCount)
    }
    #expect(slots.allSatisfy { $0 == slots[0] }, "\(slots)")
    for snapshot in snapshots { snapshot.close() }
  }

  @Test
  func `a scan that is under way is ended between two entries, and nothing is taken from under it`()
    throws
  {
    let fixture = try made()
    defer { try? fixture.close() }
    let store = fixture.store
    let snapshot = try store.snapshot()
    var keys: [[UInt8]] = []
    #expect(throws: Self.tooOld) {
      try snapshot.scan(.everything) { key, value throws(StoreError) in
        keys.append(Array(copying: key))
        if keys.count == 10 {
          pass(.seconds(61), store)
          for number in 0..<100 { try store.put(bytes("key \(number)"), bytes("new")) }
          try store.checkpoint()
          #expect(Array(copying: value) == bytes("old"))
        }
        return true
      }
    }
    #expect(keys.count == 10)
  }

  @Test func `without a limit a snapshot is good forever`() throws {
    let fixture = try made(limit: .zero)
    defer { try? fixture.close() }
    let store = fixture.store
    let snapshot = try store.snapshot()
    pass(.seconds(1_000_000), store)
    #expect(try snapshot.get(bytes("key 1")) == bytes("old"))
    snapshot.close()
  }

  @Test func `what is written to LMDB looks for snapshots that are too old`() throws {
    let fixture = try made(limit: .nanoseconds(1))
    defer { try? fixture.close() }
    let snapshot = try fixture.store.snapshot()
    try fixture.store.put(bytes("key 1"), bytes("new"))
    try fixture.store.checkpoint()
    // The worker looks right after the write that the checkpoint has waited for.
    while try fixture.store.statistics().expiredSnapshotCount == 0 {}
    #expect(throws: StoreError.snapshotTooOld(limitSeconds: 0)) { try snapshot.get(bytes("key 1")) }
  }

  @Test func `a negative limit is refused`() {
    var options = StoreOptions()
    options.snapshotAgeLimit = .seconds(-1)
    #expect(throws: StoreError.self) { try options.check() }
  }
}
