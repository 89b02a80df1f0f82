import Base
import Testing

@testable import KVStore

/// Entries of different keyspaces never meet. Users' keys were once kept apart from others by their first two
/// bytes: some could not be written, and those that began with 0x00 were longer in the store.
@Suite struct KeyspaceIsolationTests {
  /// The same bytes are a key in every keyspace.
  private static let keys: [[UInt8]] = [
    [0, 0, 0, 0, 0, 0, 0, 0, 0x6B], [0, 1] + [UInt8](repeating: 7, count: 16),
    ownedKey(slot: 3, [9]),
    [0x3F, 0xFF] + [UInt8](repeating: 0xFF, count: 14),
  ]
  private static let others = [Keyspace.owned, .orphans, .expiries]

  private static func fill(_ store: Store) throws {
    for key in keys {
      var batch = Batch()
      try batch.putEntry(key, [0], in: .keys)
      for (number, keyspace) in others.enumerated() {
        try batch.putEntry(key, [UInt8(number + 1)], in: keyspace)
      }
      try store.commit(batch)
    }
  }

  private static func contents(_ store: Store) throws -> [Keyspace: [[UInt8]: [UInt8]]] {
    let reader = store.makeReader()
    defer { reader.close() }
    var found: [Keyspace: [[UInt8]: [UInt8]]] = [:]
    for keyspace in [.keys] + others {
      found[keyspace] = try reader.entries(in: .everything, of: keyspace).mapValues(\.value)
    }
    return found
  }

  @Test(arguments: [false, true])
  func `each has its own entry under the same key`(isApplied: Bool) throws {
    let fixture = try StoreFixture()
    try Self.fill(fixture.store)
    if isApplied { try fixture.store.checkpoint() }
    let found = try Self.contents(fixture.store)
    for (number, keyspace) in ([.keys] + Self.others).enumerated() {
      #expect(
        found[keyspace] == Dictionary(uniqueKeysWithValues: Self.keys.map { ($0, [UInt8(number)]) })
      )
      for key in Self.keys {
        #expect(try fixture.store.entry(key, in: keyspace) == Entry(value: [UInt8(number)]))
      }
    }
    #expect(try fixture.store.countEntries() == Self.keys.count)
    #expect(try fixture.store.snapshot().countEntries() == Self.keys.count)
    for reverse in [false, true] {
      let scanned = try fixture.store.scan(.everything, reverse: reverse, limit: .max)
      #expect(scanned.map(\.value) == Self.keys.map { _ in [0] })
    }
  }

  @Test(arguments: [false, true])
  func `a delete in one leaves the others alone`(isApplied: Bool) throws {
    for deleted in [.keys] + Self.others {
      for byRange in [false, true] {
        let fixture = try StoreFixture()
        let store = fixture.store
        try Self.fill(store)
        if isApplied { try store.checkpoint() }
        var expected = try Self.contents(store)
        try store.evaluateDurably { evaluation throws(StoreError) in
          if byRange, deleted == .keys {
            // Not everything: that would delete what belongs to users' entries, too.
            try evaluation.deleteRange(KeyRange(to: [0xFF]))
          } else if byRange {
            try evaluation.deleteRange(.everything, in: deleted)
          } else {
            for key in Self.keys { try evaluation.deleteEntry(key.rawSpan, in: deleted) }
          }
        }
        expected[deleted] = [:]
        #expect(try Self.contents(store) == expected)
        try store.waitUntilPurged()
        #expect(try Self.contents(store) == expected)
        try fixture.reopen()
        #expect(try Self.contents(fixture.store) == expected)
        #expect(try fixture.store.countEntries() == (deleted == .keys ? 0 : Self.keys.count))
      }
    }
  }

  @Test func `an evaluation tells its own writes apart too`() throws {
    let fixture = try StoreFixture()
    let key = Self.keys[0]
    try fixture.store.evaluateDurably { evaluation throws(StoreError) in
      for (number, keyspace) in Self.others.enumerated() {
        try evaluation.putEntry(key.rawSpan, [UInt8(number)].rawSpan, in: keyspace)
      }
      #expect(try evaluation.entry(key) == nil)
      try evaluation.put(key.rawSpan, [9].rawSpan)
      try evaluation.deleteRange(.everything, in: .owned)
      let left = try Self.others.map { keyspace throws(StoreError) in
        try evaluation.withEntry(of: key.rawSpan, in: keyspace) { Entry($0, $1)?.value }
      }
      #expect(left == [nil, [1], [2]])
      #expect(try evaluation.entry(key)?.value == [9])
      #expect(try evaluation.entries(in: .everything) == [key: Entry(value: [9])])
      #expect(try evaluation.countEntries() == 1)
    }
  }

  /// Keys that no user could choose, or that were not what they seemed: now they are keys like others.
  @Test func `every key is a user's`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let keys: [[UInt8]] =
      [[0], [0, 0]]
      + (0...20).flatMap {
        [[0, $0], [0, $0, 0, 0], [0, $0] + [UInt8](repeating: 7, count: 498)]
      }
      + [[0x40], [0x41, 0], [0x80] + [UInt8](repeating: 0, count: 9), [0xFF]]
    for key in keys { try store.put(key, [1] + key.prefix(60)) }
    for _ in 0..<2 {
      let expected = Dictionary(uniqueKeysWithValues: Set(keys).map { ($0, [1] + $0.prefix(60)) })
      #expect(try store.contents() == expected)
      for key in keys { #expect(try store.get(key) == expected[key]) }
      for keyspace in Self.others {
        #expect(try store.scan(.everything, in: keyspace).isEmpty)
      }
      try store.checkpoint()
    }
    try store.deleteRange(.prefix([0]))
    #expect(try store.scan(.everything, limit: .max).map(\.key) == keys.filter { $0.first != 0 })
  }

  /// Eight bytes at the clock's key once made all that expires vanish at the next open.
  @Test func `the clock's record is out of reach`() throws {
    let clock = TestClock()
    let fixture = try StoreFixture { $0.clock = clock.source }
    let store = fixture.store
    try store.put(bytes("mortal"), Entry(value: [1], expiry: store.now + 1000))
    let record = [UInt8](repeating: 0xFF, count: 24)
    try store.put(ClockRecord.key, record)
    try store.put([Keyspace.clock.rawValue] + ClockRecord.key, record)
    try fixture.reopen()
    #expect(try fixture.store.get(bytes("mortal")) == [1])
  }
}
