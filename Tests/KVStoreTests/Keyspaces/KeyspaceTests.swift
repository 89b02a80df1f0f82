import Base
import Testing

@testable import KVStore

@Suite struct KeyspaceTests {
  private func address(_ keyspace: Keyspace, _ key: [UInt8], _ body: (EntryAddress) -> Void) {
    body(EntryAddress(keyspace, key.rawSpan))
  }

  @Test func `the bytes of the store's keyspaces are those of the format`() {
    let keyspaces = [Keyspace.keys, .owned, .orphans, .clock, .expiries]
    #expect(keyspaces.map(\.rawValue) == [0, 0x40, 0x41, 0x42, 0x80])
    #expect(Keyspace(.keyBehindWord, number: 63).rawValue == 0xBF)
    for byte in UInt8.min...UInt8.max {
      #expect((Keyspace(rawValue: byte) == nil) == (byte >= 0xC0))
    }
  }

  @Test(arguments: [0, 1, 4095, 4096, 16383])
  func `an entry with a leading slot is in the partition of that slot`(slot: Int) {
    for rest in [[], [0], [UInt8](repeating: 0x7B, count: 490)] as [[UInt8]] {
      for count in [1, 3, 4, 8, 1024] {
        address(.owned, ownedKey(slot: slot, rest)) {
          #expect($0.slot == slot)
          #expect($0.partition(count: count) == slot * count / SlotHash.slotCount)
        }
      }
    }
  }

  @Test func `an entry of the index of expiries is where the key in it is`() throws {
    for text in ["", "k", "{tag}k", "another key"] {
      for expiry in [1, 1 << 40, .max] as [UInt64] {
        var mutation: [UInt8] = []
        let key = bytes(text)
        mutation.appendPutIndex(of: key.rawSpan, expiry: expiry)
        let parsed = Mutation.parse(mutation.rawSpan, at: 0)
        let index = try #require(parsed)
        #expect(index.keyspace == .expiries)
        let indexKey = Array(mutation[index.key])
        address(.expiries, indexKey) { #expect($0.slot == SlotHash.slot(of: key.rawSpan)) }
        let entry = ExpiryIndex.parse(indexKey.rawSpan)
        let found = try #require(entry)
        #expect(found.expiry == expiry)
        #expect(Array(indexKey[found.key]) == key)
        let isDue = [expiry - 1, expiry].map {
          ExpiryIndex.range(upTo: $0).contains(indexKey.rawSpan)
        }
        #expect(isDue == [false, true])
      }
    }
  }

  /// As a damaged file may have it.
  @Test func `a key too short for its keyspace has a slot all the same`() {
    for keyspace in [Keyspace.owned, .expiries, Keyspace(unchecked: 0xFF)] {
      for count in 0..<10 {
        address(keyspace, [UInt8](repeating: 0xFF, count: count)) {
          #expect((0..<SlotHash.slotCount).contains($0.slot))
        }
      }
    }
  }

  @Test func `addresses are ordered as the bytes by which they are stored`() {
    let keys: [[UInt8]] = [[], [0], [0, 0], [1], [0x40], [0xFF], [0xFF, 0xFF]]
    for one in [Keyspace.keys, .owned, .expiries] {
      for other in [Keyspace.keys, .owned, .expiries] {
        for (key, otherKey) in keys.flatMap({ key in keys.map { (key, $0) } }) {
          let bound = [other.rawValue] + otherKey
          address(one, key) {
            #expect($0.storedKey == [one.rawValue] + key)
            #expect(
              $0.isBefore(storedKey: bound.rawSpan) == $0.storedKey.isBefore(bound))
          }
        }
      }
    }
  }

  @Test func `a range without an end has one where it is stored`() {
    let range = KeyRange(from: [1]).storedKeys(in: .owned)
    #expect(range == StoredRange(lower: [0x40, 1], upper: [0x41]))
    #expect(KeyRange(from: [2], to: [1]).storedKeys(in: .keys).isEmpty)
    #expect(!KeyRange.everything.storedKeys(in: .expiries).isEmpty)
  }

  @Test func `the longest key of every keyspace is stored, deleted and found`() throws {
    let fixture = try StoreFixture()
    let longest = [UInt8](repeating: 0, count: Limits.keyByteCount)
    let owned = ownedKey(slot: 9, [UInt8](repeating: 9, count: 494))
    for round in 0..<2 {
      var batch = Batch()
      try batch.putEntry(longest, [1], in: .keys, expiry: .max)
      try batch.putEntry(owned, [2], in: .owned)
      try fixture.store.commit(batch)
      // The index of expiries takes part in a batch of single entries too.
      if round == 1 { try fixture.store.checkpoint() }
      #expect(try fixture.store.get(longest) == [1])
      #expect(try fixture.store.entry(owned, in: .owned) == Entry(value: [2]))
      #expect(try fixture.store.countEntries() == 1)
      #expect(try fixture.store.scan(.everything, in: .expiries).map(\.key.count) == [508])
      try fixture.store.deleteRange(.everything)
      for keyspace in [Keyspace.owned, .expiries] {
        #expect(try fixture.store.scan(.everything, in: keyspace).isEmpty)
      }
    }
    try fixture.store.waitUntilPurged()
    #expect(try fixture.store.statistics().storedEntryCount == 0)
    var batch = Batch()
    let error = StoreError.keyTooLong(byteCount: 501, limit: 500)
    #expect(throws: error) { try batch.put(longest + [0], []) }
    let tooLong = StoreError.keyTooLong(byteCount: 509, limit: 508)
    #expect(throws: tooLong) { try batch.putEntry(owned + [0], [], in: .owned) }
  }
}
