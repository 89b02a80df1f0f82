import Base
import Testing

@testable import KVStore

/// Counting users' keys among entries of other keyspaces.
@Suite struct KeyspaceCountTests {
  private static func owned(_ owner: UInt8, _ number: Int) -> [UInt8] {
    ownedKey(slot: Int(owner) * 60, fill: owner, bytes("\(number)"))
  }

  /// What LMDB's records say, against what lies there.
  private func expectCountsKept(_ store: Store) throws {
    for partition in store.partitionSet.partitions {
      let reader = try partition.takeReadTransaction()
      defer { partition.giveBack(reader) }
      var cursor = try reader.makeCursor()
      var count = 0
      var isEntry = try cursor.first()
      while isEntry {
        if cursor.withEntry({ key, _ in EntryAddress(storedAs: key).keyspace != .keys }) {
          count += 1
        }
        isEntry = try cursor.next()
      }
      #expect(try reader.otherEntryCount() == count)
    }
  }

  @Test func `other entries do not count, in memory or below, in chunks or whole`() throws {
    let fixture = try StoreFixture { $0.applyEntryLimit = 7 }
    let store = fixture.store
    for number in 0..<50 {
      try store.put(bytes("key \(number)"), [])
      try store.put([0, 0, UInt8(number)], [])
    }
    for owner in 0..<4 as Range<UInt8> {
      for number in 0..<100 { try store.put(Self.owned(owner, number), [], in: .owned) }
      #expect(try store.countEntries() == 100)
      try store.checkpoint()
      #expect(try store.countEntries() == 100)
      try expectCountsKept(store)
    }
    for number in 0..<30 {
      try store.evaluateDurably { evaluation throws(StoreError) in
        try evaluation.deleteEntry(Self.owned(1, number).rawSpan, in: .owned)
      }
    }
    try store.put(Self.owned(1, 5), [1], in: .owned)
    try store.put(Self.owned(2, 5), [1], in: .owned)
    #expect(try store.countEntries() == 100)
    try store.checkpoint()
    try expectCountsKept(store)
    try fixture.reopen()
    #expect(try fixture.store.countEntries() == 100)
  }

  @Test func `a range delete in another keyspace does not make a count walk over everything`()
    throws
  {
    let fixture = try StoreFixture()
    let store = fixture.store
    for number in 0..<300 { try store.put(bytes("key \(number)"), []) }
    for number in 0..<500 { try store.put(Self.owned(1, number), [], in: .owned) }
    try store.checkpoint()
    let prefix = ownedKey(slot: 60, fill: 1)
    // As it is before the purge worker gets to it: it is applied with its memtable.
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.deleteRange(.prefix(prefix), in: .owned, ofPartitionOf: prefix.rawSpan)
      #expect(try evaluation.countEntries() == 300)
    }
    let views = store.partitionSet.partitions.map { PartitionView($0) }
    let sequence = try store.partitionSet.cut(views, through: 0)
    let count = EntryCount(views: views, sequence: sequence)
    #expect(store.isPurging && !count.isHiding)
    #expect(try count.count() == 300)
    for view in views { view.close() }
    try store.waitUntilPurged()
    try expectCountsKept(store)
    #expect(try store.statistics().storedEntryCount == 300)
    #expect(try store.countEntries() == 300)
  }

  @Test func `what a purge removes of other entries is counted off`() throws {
    let fixture = try StoreFixture { $0.purgeKeyLimit = 16 }
    let store = fixture.store
    for owner in 0..<3 as Range<UInt8> {
      for number in 0..<100 { try store.put(Self.owned(owner, number), [], in: .owned) }
    }
    try store.put(bytes("k"), Entry(value: [], expiry: .max))
    try store.checkpoint()
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.deleteRange(.everything, in: .owned)
    }
    try store.put(Self.owned(1, 1), [], in: .owned)
    try store.waitUntilPurged()
    try expectCountsKept(store)
    #expect(try store.countEntries() == 1)
    try store.deleteRange(.everything)
    #expect(try store.countEntries() == 0)
    try store.waitUntilPurged()
    try expectCountsKept(store)
    #expect(try store.countEntries() == 0)
    #expect(try store.statistics().storedEntryCount == 0)
  }

  @Test func `what has expired counts until it is removed`() throws {
    let clock = TestClock()
    let fixture = try StoreFixture { $0.clock = clock.source }
    let store = fixture.store
    for number in 0..<10 {
      try store.put(bytes("\(number)"), Entry(value: [], expiry: store.now + 1))
    }
    clock.pass(milliseconds: 1)
    for isStored in [false, true] {
      if isStored { try store.checkpoint() }
      #expect(try store.contents().isEmpty)
      #expect(try store.countEntries() == 10)
      #expect(try store.snapshot().countEntries() == 10)
      _ = try store.evaluate { evaluation throws(StoreError) in
        #expect(try evaluation.countEntries() == 10)
      }
    }
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.put("5", "new")
      #expect(try evaluation.countEntries() == 10)
      for number in 0..<5 { try evaluation.deleteExpired(bytes("\(number)").rawSpan) }
      #expect(try evaluation.countEntries() == 5)
    }
    #expect(try store.countEntries() == 5)
  }
}
