import Base
import KVData
import Testing

@testable import KVStore

/// What operations on large maps cost, told by what the store writes and keeps.
struct MapCostTests {
  /// Without asking for each field whether it is there.
  private func largeMap(_ count: Int, in fixture: DataFixture) throws -> OrderedMap {
    let map = fixture.map("large")
    for start in stride(from: 0, to: count, by: 10_000) {
      let (_, receipt) = try fixture.store.admitAndEvaluate(byteCount: 1 << 20) {
        evaluation throws(StoreError) in
        try evaluation.editMap(at: map.key.rawSpan) { map, evaluation throws(StoreError) in
          for number in start..<start + 10_000 {
            let field = bytes("field:\(number)")
            try map.put(field.rawSpan, RawSpan(), isNew: true, in: &evaluation)
          }
        }
      }
      try fixture.store.waitUntilDurable(receipt)
    }
    return map
  }

  private func loggedByteCount(_ store: Store, of write: () throws -> Void) throws -> UInt64 {
    let before = try store.statistics().durableLSN
    try write()
    return try store.statistics().durableLSN - before
  }

  @Test func `deleting a map of a million fields logs one small record`() throws {
    let fixture = try DataFixture { $0.memoryByteCount = 32 << 20 }
    let map = try largeMap(1_000_000, in: fixture)
    #expect(try map.count() == 1_000_000)
    let store = fixture.store
    let logged = try loggedByteCount(store) { _ = try map.deleteAll() }
    #expect(logged < 4096)
    #expect(try map.count() == 0)
    #expect(try map.contents().isEmpty)
    // It is made again before the old fields are gone from the disk.
    #expect(try map.set(bytes("field:7"), [1]))
    #expect(try map.contents() == [Entry(field: bytes("field:7"), value: [1])])
    #expect(try store.statistics().activeMemtableByteCount <= 32 << 20)
  }

  @Test func `a field of a large map costs what one of a small map does`() throws {
    let fixture = try DataFixture { $0.memoryByteCount = 32 << 20 }
    let store = fixture.store
    let small = fixture.map("small")
    let field = bytes("another")
    #expect(try small.set(bytes("first"), []))
    let ofSmall = try loggedByteCount(store) { _ = try small.set(field, [1]) }
    let large = try largeMap(100_000, in: fixture)
    let ofLarge = try loggedByteCount(store) { _ = try large.set(field, [1]) }
    #expect(ofLarge == ofSmall)
    let ofDelete = try loggedByteCount(store) { _ = try large.delete([field]) }
    #expect(ofDelete <= ofSmall)
    #expect(try large.count() == 100_000)
  }

  @Test(arguments: [1, 512, 513])
  func `few fields are deleted one by one, and many by a tombstone in one partition`(
    count: Int
  ) throws {
    let fixture = try DataFixture()
    let map = fixture.map("m")
    _ = try map.set((0..<count).map { (field: bytes("\($0)"), value: []) })
    #expect(try map.deleteAll())
    #expect(try fixture.store.statistics().tombstoneCount == (count > 512 ? 1 : 0))
    try fixture.store.checkpoint()
    #expect(try fixture.fieldCount() == 0)
  }
}
