import Base
import Testing

@testable import KVStore

/// Types, expiries and internal keys on every way that an entry can go.
@Suite struct TypedEntryTests {
  private static func fill(_ store: Store) throws -> [[UInt8]: Entry] {
    var expected: [[UInt8]: Entry] = [:]
    for number in 0..<300 {
      var batch = Batch()
      let field =
        InternalKey.mapPrefix(slot: number * 50, id: [UInt8](repeating: 3, count: 12))
        + bytes("field \(number)")
      let entries = [
        (bytes("plain \(number)"), Entry(value: bytes("\(number)"))),
        (bytes("map \(number)"), Entry(value: [1, 2], type: UInt8(number % 127 + 1))),
        (bytes("mortal \(number)"), Entry(value: [], expiry: UInt64(number) + 1 << 60)),
        (bytes("both \(number)"), Entry(value: [9], type: 127, expiry: .max)),
        (field, Entry(value: [UInt8](repeating: 5, count: number))),
      ]
      for (key, entry) in entries {
        try batch.put(stored: key, entry.value, type: entry.type, expiry: entry.expiry)
        expected[key] = entry
      }
      try store.commit(batch)
    }
    return expected
  }

  private func check(_ store: Store, _ expected: [[UInt8]: Entry]) throws {
    let reader = store.makeReader()
    defer { reader.close() }
    for (key, entry) in expected {
      #expect(try reader.withEntry(stored: key.rawSpan) { Entry($0, $1) } == entry)
    }
    let shown = expected.filter { !InternalKey.contains($0.key.rawSpan) }
    #expect(try reader.entries(in: .everything) == shown)
    #expect(try reader.entries(in: .everything, reverse: true) == shown)
    #expect(
      try reader.entries(stored: InternalKey.mapFields)
        == expected.filter { InternalKey.mapFields.contains($0.key.rawSpan) })
    #expect(try store.countEntries() == shown.count)
    #expect(try store.expiryIndex().count == 600)
    #expect(store.mayContainMaps)
  }

  @Test func `they survive a replay of the log, being applied, and a check finds them sound`()
    throws
  {
    let fixture = try StoreFixture()
    let expected = try Self.fill(fixture.store)
    try check(fixture.store, expected)
    let unopened = try fixture.crashFiles()
    let replayed = try fixture.crashImage()
    try check(replayed.store, expected)
    try replayed.store.checkpoint()
    try check(replayed.store, expected)
    try replayed.reopen()
    try check(replayed.store, expected)
    try replayed.close()
    for path in [replayed.directory.path, unopened.path] {
      var inspection = try StoreInspection(at: path)
      // The fields of these tests belong to no map.
      inspection.isExpectedUnowned = { _ in true }
      let report = inspection.check()
      #expect(report.isSound, "\(report.findings.prefix(5))")
    }
  }

  @Test(arguments: [false, true])
  func `they survive salvage, out of the partitions and out of the log`(isApplied: Bool) throws {
    let fixture = try StoreFixture { $0.partitionCount = 2 }
    let expected = try Self.fill(fixture.store)
    if isApplied { try fixture.store.checkpoint() }
    let image = try fixture.crashImage()
    try image.store.put(bytes("plain 0"), bytes("0"))
    let killed = try image.crashImage()
    try killed.close()
    let target = TemporaryDirectory()
    let inspection = try StoreInspection(at: image.directory.path)
    try image.close()
    var salvage = StoreSalvage(of: inspection)
    let report = try salvage.run(into: "\(target.path)/new") { index, start, take in
      var pieces: [UInt8] = []
      inspection.salvage(partition: index, from: start) { pieces += $0 }
      take(pieces[...])
      return 0
    }
    #expect(report.lossCount == 0, "\(report.losses)")
    var options = fixture.options
    options.partitionCount = 2
    let store = try Store.open(at: "\(target.path)/new", options: options)
    try check(store, expected)
    // Or ids of maps that are made of sequences would be given out twice.
    #expect(store.publishedSequence > fixture.store.publishedSequence + 1)
    try store.close()
  }

  @Test func `every mutation is described`() {
    var mutations: [UInt8] = []
    let key = bytes("k")
    mutations.appendPut(key.rawSpan, key.rawSpan, type: 1, expiry: 77)
    mutations.appendPut(key.rawSpan, key.rawSpan)
    #expect(
      MutationSummary.all(in: mutations.rawSpan).map(\.description) == [
        "put \"k\", 1 bytes, type 1, expiry 77", "put \"k\", 1 bytes",
      ])
  }

  @Test func `a store that never had a map says so, also when it is opened again`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put(bytes("k"), Entry(value: [], type: 1, expiry: .max))
    #expect(!fixture.store.mayContainMaps)
    try fixture.store.checkpoint()
    try fixture.reopen()
    #expect(!fixture.store.mayContainMaps)
    let field = InternalKey.mapPrefix(slot: 77, id: [UInt8](repeating: 3, count: 12))
    try fixture.store.evaluateDurably { evaluation throws(StoreError) in
      let before = evaluation.mayContainMaps
      try evaluation.put(stored: field.rawSpan, RawSpan())
      let after = evaluation.mayContainMaps
      #expect(!before && after)
    }
    #expect(fixture.store.mayContainMaps)
    #expect(try fixture.crashImage().store.mayContainMaps)
    try fixture.reopen()
    #expect(fixture.store.mayContainMaps)
    try fixture.store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.delete(stored: field.rawSpan)
    }
    try fixture.reopen()
    #expect(!fixture.store.mayContainMaps)
  }

  @Test func `a cut reads a record and its fields as of one sequence, and grows`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let record = bytes("record")
    let slots = [0, 16383]
    let fields = slots.map { InternalKey.mapPrefix(slot: $0, id: [UInt8](repeating: 1, count: 12)) }
    let reader = store.makeReader()
    defer { reader.close() }
    for round in 0..<6 {
      var batch = Batch()
      try batch.put(record, [UInt8(round)], type: 1)
      for field in fields { try batch.put(stored: field + [1], [UInt8(round)]) }
      let sequence = try store.commit(batch)
      if round % 2 == 1 { try store.checkpoint() }
      try reader.withCut(of: record.rawSpan) { cut throws(StoreError) in
        for field in fields where !cut.covers(field.rawSpan) {
          try cut.extend(to: field.rawSpan)
        }
        let seen = cut.sequence
        #expect(seen == sequence)
        let held = try cut.withEntry(of: record.rawSpan) { Entry($0, $1) }
        #expect(held == Entry(value: [UInt8(round)], type: 1))
        for field in fields {
          var found: [Entry?] = []
          try cut.scanEntries(stored: .prefix(field), inPartitionOf: field.rawSpan) {
            _, info, value in
            found.append(Entry(info, value))
            return true
          }
          #expect(found == [Entry(value: [UInt8(round)])])
        }
      }
      reader.end()
    }
  }

  @Test func `a range delete in one partition leaves the others alone`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let keys = (0..<100).map { bytes("\($0)") }
    let (first, second, third) = (keys[0], keys[1], keys[2])
    let home = store.keyspace.partition(of: first.rawSpan)
    for round in 0..<2 {
      try store.evaluateDurably { evaluation throws(StoreError) in
        for key in keys { try evaluation.put(key.rawSpan, key.rawSpan) }
        if round == 1 { try evaluation.delete(second.rawSpan) }
      }
      let left = try store.evaluateDurably { evaluation throws(StoreError) in
        try evaluation.put(third.rawSpan, RawSpan())
        try evaluation.deleteRange(stored: .prefix([]), inPartitionOf: first.rawSpan)
        let left = Set(try evaluation.entries(in: .everything).keys)
        #expect(try evaluation.countEntries() == left.count)
        for key in keys { #expect(try evaluation.exists(key.rawSpan) == left.contains(key)) }
        return left
      }
      let expected = keys.filter { store.keyspace.partition(of: $0.rawSpan) != home }
      #expect(left == Set(expected).subtracting(round == 1 ? [keys[1]] : []))
      #expect(try Set(store.contents().keys) == left)
    }
  }
}
