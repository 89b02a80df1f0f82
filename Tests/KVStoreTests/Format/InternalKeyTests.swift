import Base
import Testing

@testable import KVStore

@Suite struct InternalKeyTests {
  private static let id = [UInt8](repeating: 7, count: 12)

  @Test(arguments: [0, 1, 4095, 4096, 16383])
  func `a map's field lies in the partition of the slot in its key`(slot: Int) {
    for field in [[], [0], [UInt8](repeating: 0x7B, count: 490)] as [[UInt8]] {
      let key = InternalKey.mapPrefix(slot: slot, id: Self.id) + field
      #expect(isInternal(key))
      #expect(InternalKey.mapFields.has(key))
      for count in [1, 3, 4, 8, 1024] {
        #expect(
          Routing.partition(of: key.rawSpan, count: count) == slot * count / SlotHash.slotCount)
      }
    }
  }

  @Test func `an entry of the index of expiries lies where the key in it does`() throws {
    for text in ["", "k", "{tag}k", "another key"] {
      for expiry in [1, 1 << 40, .max] as [UInt64] {
        var mutation: [UInt8] = []
        let key = bytes(text)
        mutation.appendPutIndex(of: key.rawSpan, expiry: expiry)
        let parsedMutation = Mutation.parse(mutation.rawSpan, at: 0)
        let place = try #require(parsedMutation).key
        let indexKey = Array(mutation[place])
        #expect(isInternal(indexKey))
        #expect(InternalKey.slot(of: indexKey.rawSpan) == SlotHash.slot(of: key.rawSpan))
        let found = ExpiryIndex.parse(indexKey.rawSpan)
        let parsed = try #require(found)
        #expect(parsed.expiry == min(expiry, 1 << 48 - 1))
        #expect(Array(indexKey[parsed.key]) == key)
        #expect(ExpiryIndex.range(upTo: expiry).has(indexKey))
        #expect(!ExpiryIndex.range(upTo: parsed.expiry - 1).has(indexKey))
      }
    }
  }

  @Test func `the clock's record lies in the first partition`() {
    let key = ClockRecord.key
    #expect(isInternal(key))
    #expect(InternalKey.slot(of: key.rawSpan) == 0)
  }

  @Test func `what only begins like an internal key is placed as a user's`() {
    let keys: [[UInt8]] = [
      [0], [0, 0], [0, 0, 1], [0, 1], [0, 1, 0, 5], [0, 1] + Self.id, [0, 1, 0x40, 0] + Self.id,
      [0, 2], [0, 2, 0, 0, 0, 0, 0], [0, 3], [0, 3, 0], [0, 3, 0, 0, 0], [0, 3, 0xFF, 0xFF],
      [0, 4, 0, 9], [0, 15, 1, 2, 3], [0, 16, 0, 0], [0, 255],
    ]
    for key in keys {
      #expect(InternalKey.slot(of: key.rawSpan) == SlotHash.slot(of: key.rawSpan), "\(key)")
    }
  }

  @Test func `keys are internal that begin with zero and 1 to 15`() {
    for second in 0...255 as ClosedRange<UInt8> {
      for key in [[0, second], [0, second, 1]] as [[UInt8]] {
        #expect(isInternal(key) == (1...15).contains(second))
        #expect(InternalKey.range.has(key) == (1...15).contains(second))
        #expect(KeyRange(from: key, to: key + [0]).isInternal == (1...15).contains(second))
      }
    }
    for key in [[], [0], [1, 1], [255]] as [[UInt8]] {
      #expect(!isInternal(key))
    }
  }

  @Test
  func
    `the parts of a range for users have no internal keys, and those that are stored all of a range of them`()
  {
    let bounds: [[UInt8]] = [
      [], [0], [0, 0], [0, 0, 9], [0, 1], [0, 1, 5], [0, 15, 255], [0, 16], [0, 16, 0], [1], [255],
    ]
    for lower in bounds {
      for upper in bounds.map(Optional.some) + [nil] {
        let range = KeyRange(from: lower, to: upper)
        for key in bounds + bounds.map({ $0 + [3] }) {
          let isUsers = range.has(key) && !isInternal(key)
          let isStored = range.has(key) && (range.isInternal || !isInternal(key))
          #expect(range.userParts.contains { $0.has(key) } == isUsers, "\(range) \(key)")
          #expect(range.storedParts.contains { $0.has(key) } == isStored, "\(range) \(key)")
        }
      }
    }
  }

  @Test func `the longest key of every kind is stored, deleted and found`() throws {
    let fixture = try StoreFixture()
    let longest = [UInt8](repeating: 0, count: 501)
    let field = InternalKey.mapPrefix(slot: 9, id: Self.id) + [UInt8](repeating: 9, count: 490)
    for round in 0..<2 {
      var batch = Batch()
      try batch.put(longest, [1], type: 0, expiry: .max)
      try batch.put(stored: field, [2])
      try fixture.store.commit(batch)
      if round == 1 { try fixture.store.checkpoint() }
      #expect(try fixture.store.get(longest) == [1])
      #expect(try fixture.store.entry(stored: field) == Entry(value: [2]))
      #expect(try fixture.store.countEntries() == 1)
      let found = try fixture.store.scan(stored: InternalKey.range).map(\.key)
      #expect(found.map(\.count) == [506, 509])
      try fixture.store.deleteRange(.everything)
      #expect(try fixture.store.scan(stored: InternalKey.range).isEmpty)
    }
    try fixture.store.waitUntilPurged()
    #expect(try fixture.store.statistics().storedEntryCount == 0)
    var batch = Batch()
    let error = StoreError.keyTooLong(byteCount: 502, limit: 501)
    #expect(throws: error) { try batch.put([UInt8](repeating: 0, count: 502), []) }
    let tooLong = StoreError.keyTooLong(byteCount: 510, limit: 509)
    #expect(throws: tooLong) { try batch.put(stored: field + [0, 0, 0, 0], []) }
    #expect(throws: StoreError.self) { try batch.put(stored: field, [], expiry: 1) }
  }
}

private func isInternal(_ key: [UInt8]) -> Bool { InternalKey.contains(key.rawSpan) }

extension KeyRange {
  fileprivate func has(_ key: [UInt8]) -> Bool { contains(key.rawSpan) }
}
