import Base
import Testing

@testable import KVStore

/// Counting without internal keys.
@Suite struct InternalCountTests {
  private static func field(_ map: UInt8, _ number: Int) -> [UInt8] {
    InternalKey.mapPrefix(slot: Int(map) * 60, id: [UInt8](repeating: map, count: 12))
      + bytes("\(number)")
  }

  /// What LMDB's records say, against what lies there.
  private func expectCountsKept(_ store: Store) throws {
    for partition in store.keyspace.partitions {
      let reader = try partition.takeReadTransaction()
      defer { partition.giveBack(reader) }
      var cursor = try reader.makeCursor()
      var count = 0
      var isEntry = try cursor.first()
      while isEntry {
        if cursor.withEntry({ key, _ in InternalKey.contains(key) }) { count += 1 }
        isEntry = try cursor.next()
      }
      #expect(try reader.internalEntryCount() == count)
    }
  }

  @Test func `internal keys do not count, in memory or below, in chunks or whole`() throws {
    let fixture = try StoreFixture { $0.applyEntryLimit = 7 }
    let store = fixture.store
    for number in 0..<50 {
      try store.put(bytes("key \(number)"), [])
      try store.put([0, 0, UInt8(number)], [])
    }
    for map in 0..<4 as Range<UInt8> {
      for number in 0..<100 { try store.put(stored: Self.field(map, number), []) }
      #expect(try store.countEntries() == 100)
      try store.checkpoint()
      #expect(try store.countEntries() == 100)
      try expectCountsKept(store)
    }
    for number in 0..<30 {
      try store.evaluateDurably { evaluation throws(StoreError) in
        try evaluation.delete(stored: Self.field(1, number).rawSpan)
      }
    }
    try store.put(stored: Self.field(1, 5), [1])
    try store.put(stored: Self.field(2, 5), [1])
    #expect(try store.countEntries() == 100)
    try store.checkpoint()
    try expectCountsKept(store)
    try fixture.reopen()
    #expect(try fixture.store.countEntries() == 100)
  }

  @Test func `a range delete over internal keys does not make a count walk over everything`() throws
  {
    let fixture = try StoreFixture()
    let store = fixture.store
    for number in 0..<300 { try store.put(bytes("key \(number)"), []) }
    for number in 0..<500 { try store.put(stored: Self.field(1, number), []) }
    try store.checkpoint()
    let prefix = Self.field(1, 0).dropLast()
    // As it is before the purge worker gets to it: it is applied with its memtable.
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.deleteRange(
        stored: .prefix(Array(prefix)), inPartitionOf: Array(prefix).rawSpan)
      #expect(try evaluation.countEntries() == 300)
    }
    let views = store.keyspace.partitions.map { PartitionView($0) }
    let sequence = try store.keyspace.cut(views, through: 0)
    let count = EntryCount(views: views, sequence: sequence)
    #expect(store.isPurging && !count.isHiding)
    #expect(try count.count() == 300)
    for view in views { view.close() }
    try store.waitUntilPurged()
    try expectCountsKept(store)
    #expect(try store.statistics().storedEntryCount == 300)
    #expect(try store.countEntries() == 300)
  }

  @Test func `what a purge removes of internal keys is counted off`() throws {
    let fixture = try StoreFixture { $0.purgeKeyLimit = 16 }
    let store = fixture.store
    for map in 0..<3 as Range<UInt8> {
      for number in 0..<100 { try store.put(stored: Self.field(map, number), []) }
    }
    try store.put(bytes("k"), Entry(value: [], expiry: .max))
    try store.checkpoint()
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.deleteRange(stored: InternalKey.mapFields)
    }
    try store.put(stored: Self.field(1, 1), [])
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

  @Test func `a partition whose state is of version 1 is counted, and is brought up to date`()
    throws
  {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    for number in 0..<20 { try fixture.store.put(stored: Self.field(1, number), []) }
    try fixture.store.put(bytes("k"), [])
    try fixture.store.checkpoint()
    try fixture.store.keyspace.partitions[0].environment.write { transaction throws(StoreError) in
      let state = try transaction.appliedState()
      var body: [UInt8] = []
      body.appendLittleEndian(1 as UInt32)
      body.appendLittleEndian(state.lsn)
      body.appendLittleEndian(state.sequence)
      var bytes: [UInt8] = []
      bytes.appendLittleEndian(body.checksum(seed: transaction.environment.checksumSeed))
      try transaction.put(.meta, MetaKey.applied, bytes + body)
    }
    let old = try fixture.crashImage()
    #expect(try old.store.countEntries() == 1)
    #expect(old.store.mayContainMaps)
    try old.store.put(stored: Self.field(1, 100), [])
    try old.store.put(bytes("l"), [])
    try old.store.checkpoint()
    try expectCountsKept(old.store)
    let reader = try old.store.keyspace.partitions[0].takeReadTransaction()
    #expect(try reader.appliedState().internalEntryCount == 21)
    old.store.keyspace.partitions[0].giveBack(reader)
    #expect(try old.store.countEntries() == 2)
  }
}
