import Base
import Testing

@testable import KVStore

@Suite struct KeyBoundsTests {
  @Test func `a table that says it holds no key of a range holds none`() {
    var random = ReplayableRandom.announced()
    var saidNo = 0
    for _ in 0..<300 {
      let table = Memtable(hash: KeyHash(seed: 1))
      var keys: [[UInt8]] = []
      for number in 0..<Int.random(in: 0...3, using: &random) {
        keys.append(random.awkwardKey())
        table.insert(
          .init(
            key: keys[number], header: EntryHeader(sequence: UInt64(number + 1), kind: .put),
            value: []))
      }
      for _ in 0..<30 {
        let range = KeyRange(
          from: random.awkwardKey(), to: Bool.random(using: &random) ? random.awkwardKey() : nil)
        if table.mayHold(range.storedKeys(in: .keys)) { continue }
        saidNo += 1
        #expect(!keys.contains { range.contains($0.rawSpan) })
      }
      for key in keys {
        #expect(table.mayHold(KeyRange(from: key, to: key + [0]).storedKeys(in: .keys)))
      }
    }
    #expect(saidNo > 0)
  }

  @Test func `a walk over another keyspace does not put users' keys in order`() throws {
    let fixture = try StoreFixture()
    for number in 0..<1000 {
      var batch = Batch()
      try batch.put(bytes("key \(number)"), [1])
      try fixture.store.commit(batch)
    }
    let before = memoryByteCount(fixture)
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    try reader.scan(
      ExpiryIndex.range(upTo: 1 << 40), in: .expiries, reverse: false, limit: 10, through: 0,
      hiding: nil
    ) { _, _, _ in
      Issue.record("there is no such entry")
      return true
    }
    #expect(memoryByteCount(fixture) == before)
    try reader.scanEntries(.everything, limit: 10) { _, _, _ in true }
    #expect(memoryByteCount(fixture) > before)
  }

  private func memoryByteCount(_ fixture: StoreFixture) -> Int {
    fixture.store.partitionSet.partitions.reduce(0) { $0 + $1.activeByteCount }
  }
}
