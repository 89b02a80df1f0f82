import Base
import Testing

@testable import KVStore

/// Types, expiries and other keyspaces on every way that an entry can go.
@Suite struct TypedEntryTests {
  private struct Contents {
    var users: [[UInt8]: Entry] = [:]
    var owned: [[UInt8]: Entry] = [:]
  }

  private static func fill(_ store: Store) throws -> Contents {
    var expected = Contents()
    for number in 0..<300 {
      var batch = Batch()
      let entries = [
        (bytes("plain \(number)"), Entry(value: bytes("\(number)"))),
        (bytes("map \(number)"), Entry(value: [1, 2], type: UInt8(number % 127 + 1))),
        (bytes("mortal \(number)"), Entry(value: [], expiry: UInt64(number) + 1 << 60)),
        (bytes("both \(number)"), Entry(value: [9], type: 127, expiry: .max)),
      ]
      for (key, entry) in entries {
        try batch.putEntry(
          key, entry.value, in: .keys, type: entry.type, expiry: entry.expiry)
        expected.users[key] = entry
      }
      let owned = ownedKey(slot: number * 50, bytes("field \(number)"))
      let value = [UInt8](repeating: 5, count: number)
      try batch.putEntry(owned, value, in: .owned)
      expected.owned[owned] = Entry(value: value)
      try store.commit(batch)
    }
    return expected
  }

  private func check(_ store: Store, _ expected: Contents) throws {
    let reader = store.makeReader()
    defer { reader.close() }
    for (key, entry) in expected.users { #expect(try reader.entry(key) == entry) }
    for (key, entry) in expected.owned { #expect(try store.entry(key, in: .owned) == entry) }
    #expect(try reader.entries(in: .everything) == expected.users)
    #expect(try reader.entries(in: .everything, reverse: true) == expected.users)
    #expect(try reader.entries(in: .everything, of: .owned) == expected.owned)
    #expect(try store.countEntries() == expected.users.count)
    #expect(try store.expiryIndex().count == 600)
    #expect(store.mayHoldOwners)
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
      // The owned entries of these tests belong to nothing.
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
    // Or ids of owners that are made of sequences would be given out twice.
    #expect(store.publishedSequence > fixture.store.publishedSequence + 1)
    try store.close()
  }

  @Test func `every mutation is described`() {
    var mutations: [UInt8] = []
    let key = bytes("k")
    mutations.appendPut(EntryAddress(.keys, key.rawSpan), key.rawSpan, type: 1, expiry: 77)
    mutations.appendPut(EntryAddress(.keys, key.rawSpan), key.rawSpan)
    mutations.appendDelete(EntryAddress(.owned, key.rawSpan))
    #expect(
      MutationSummary.all(in: mutations.rawSpan).map(\.description) == [
        "put \"k\", 1 bytes, type 1, expiry 77", "put \"k\", 1 bytes",
        "delete \"k\" of keyspace 0x40",
      ])
  }

  @Test func `a store that never had owned entries says so, also when it is opened again`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put(bytes("k"), Entry(value: [], type: 1, expiry: .max))
    #expect(!fixture.store.mayHoldOwners)
    try fixture.store.checkpoint()
    try fixture.reopen()
    #expect(!fixture.store.mayHoldOwners)
    let owned = ownedKey(slot: 77)
    try fixture.store.evaluateDurably { evaluation throws(StoreError) in
      let before = evaluation.mayHoldOwners
      try evaluation.putEntry(owned.rawSpan, RawSpan(), in: .owned)
      let after = evaluation.mayHoldOwners
      #expect(!before && after)
    }
    #expect(fixture.store.mayHoldOwners)
    #expect(try fixture.crashImage().store.mayHoldOwners)
    try fixture.reopen()
    #expect(fixture.store.mayHoldOwners)
    try fixture.store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.deleteEntry(owned.rawSpan, in: .owned)
    }
    try fixture.reopen()
    #expect(!fixture.store.mayHoldOwners)
  }

  @Test func `a cut reads a record and its fields as of one sequence, and grows`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let record = bytes("record")
    let slots = [0, 16383]
    let fields = slots.map { ownedKey(slot: $0) }
    let reader = store.makeReader()
    defer { reader.close() }
    for round in 0..<6 {
      var batch = Batch()
      try batch.putEntry(record, [UInt8(round)], in: .keys, type: 1)
      for field in fields { try batch.putEntry(field + [1], [UInt8(round)], in: .owned) }
      let sequence = try store.commit(batch)
      if round % 2 == 1 { try store.checkpoint() }
      try reader.withCut(of: record.rawSpan) { cut throws(StoreError) in
        for field in fields where !cut.covers(field.rawSpan, in: .owned) {
          try cut.extend(to: field.rawSpan, in: .owned)
        }
        let seen = cut.sequence
        #expect(seen == sequence)
        let held = try cut.withEntry(of: record.rawSpan) { Entry($0, $1) }
        #expect(held == Entry(value: [UInt8(round)], type: 1))
        for field in fields {
          var found: [Entry?] = []
          try cut.scanEntries(.prefix(field), in: .owned, ofPartitionOf: field.rawSpan) {
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
    let home = store.partition(of: first)
    for round in 0..<2 {
      try store.evaluateDurably { evaluation throws(StoreError) in
        for key in keys { try evaluation.put(key.rawSpan, key.rawSpan) }
        if round == 1 { try evaluation.delete(second.rawSpan) }
      }
      let left = try store.evaluateDurably { evaluation throws(StoreError) in
        try evaluation.put(third.rawSpan, RawSpan())
        try evaluation.deleteRange(.prefix([]), in: .keys, ofPartitionOf: first.rawSpan)
        let left = Set(try evaluation.entries(in: .everything).keys)
        #expect(try evaluation.countEntries() == left.count)
        for key in keys { #expect(try evaluation.exists(key.rawSpan) == left.contains(key)) }
        return left
      }
      let expected = keys.filter { store.partition(of: $0) != home }
      #expect(left == Set(expected).subtracting(round == 1 ? [keys[1]] : []))
      #expect(try Set(store.contents().keys) == left)
    }
  }
}
