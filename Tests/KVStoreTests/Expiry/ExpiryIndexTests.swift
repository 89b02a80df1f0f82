import Base
import Testing

@testable import KVStore

/// The index of what expires when.
@Suite struct ExpiryIndexTests {
  private let clock = TestClock(milliseconds: 1000)
  private let key = bytes("k")

  private func fixture() throws -> StoreFixture {
    try StoreFixture { $0.clock = clock.source }
  }

  @Test func `it has every entry with an expiry, in the order of time`() throws {
    let fixture = try fixture()
    for (name, expiry) in [("b", 70_000), ("a", 5000), ("z", 300), ("c", 5000), ("y", 0)]
      as [(String, UInt64)]
    {
      try fixture.store.put(bytes(name), Entry(value: [], expiry: expiry))
    }
    let expected = ["300 z", "5000 a", "5000 c", "70000 b"]
    #expect(try fixture.store.expiryIndex() == expected)
    try fixture.store.checkpoint()
    #expect(try fixture.store.expiryIndex() == expected)
    try fixture.reopen()
    #expect(try fixture.store.expiryIndex() == expected)
  }

  @Test func `an entry of which the old expiry is known leaves nothing in it`() throws {
    let fixture = try fixture()
    let store = fixture.store
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.put(key, Entry(value: [1], expiry: 2000))
    }
    #expect(try store.expiryIndex() == ["2000 k"])
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.put(key, Entry(value: [2], expiry: 3000), replacing: 2000)
    }
    #expect(try store.expiryIndex() == ["3000 k"])
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.put(key, Entry(value: [3], expiry: 3000), replacing: 3000)
    }
    #expect(try store.expiryIndex() == ["3000 k"])
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.put(key, Entry(value: [4]), replacing: 3000)
    }
    #expect(try store.expiryIndex() == [])
    #expect(try store.get(key) == [4])
    try store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.put(key, Entry(value: [5], type: 1, expiry: 3000))
      try evaluation.delete(key.rawSpan, replacing: 3000)
    }
    #expect(try store.expiryIndex() == [])
    #expect(try store.entry(key) == nil)
  }

  @Test func `a blind put leaves the old place in it, which can be given up`() throws {
    let fixture = try fixture()
    let store = fixture.store
    try store.put(key, Entry(value: [1], expiry: 2000))
    try store.put(key, [2])
    #expect(try store.expiryIndex() == ["2000 k"])
    clock.pass(milliseconds: 1500)
    try store.evaluateDurably { evaluation throws(StoreError) in
      #expect(try evaluation.deleteExpired(key.rawSpan) == nil)
      let range = ExpiryIndex.range(upTo: evaluation.now)
      let indexKey = [UInt8](repeating: 0, count: 8) + key
      let stale = try evaluation.entries(in: range, of: .expiries, inPartitionOf: indexKey).keys
      for indexKey in stale { try evaluation.deleteIndex(indexKey.rawSpan) }
    }
    #expect(try store.expiryIndex() == [])
    #expect(try store.get(key) == [2])
  }

  @Test func `what has expired is deleted with its place, and nothing else is`() throws {
    let fixture = try fixture()
    let store = fixture.store
    try store.put(key, Entry(value: [1], type: 3, expiry: 2000))
    try store.put(bytes("later"), Entry(value: [1], expiry: 2001))
    try store.put(bytes("lasting"), [1])
    let names = ["k", "later", "lasting", "absent"].map { bytes($0) }
    for _ in 0..<2 {
      try store.evaluateDurably { evaluation throws(StoreError) in
        for name in names { #expect(try evaluation.deleteExpired(name.rawSpan) == nil) }
      }
      clock.pass(milliseconds: 999)
    }
    clock.set(by: -998)
    let fresh = try fixture.crashImage()
    clock.pass(milliseconds: 0)
    #expect(fresh.store.now == 2000)
    try fresh.store.evaluateDurably { evaluation throws(StoreError) in
      #expect(try evaluation.deleteExpired(key.rawSpan)?.type == 3)
      for name in names { #expect(try evaluation.deleteExpired(name.rawSpan) == nil) }
      #expect(try evaluation.storedEntry(key) == nil)
    }
    #expect(try fresh.store.expiryIndex() == ["2001 later"])
    #expect(try Set(fresh.contents().keys) == [bytes("later"), bytes("lasting")])
    #expect(try fresh.store.countEntries() == 2)
  }

  @Test func `everything that is deleted takes it along, and the store's clock`() throws {
    let fixture = try fixture()
    try fixture.store.put(key, Entry(value: [1], expiry: 2000))
    try fixture.store.deleteRange(KeyRange(from: [], to: [255]))
    #expect(try fixture.store.expiryIndex() == ["2000 k"])
    try fixture.store.deleteRange(.everything)
    #expect(try fixture.store.expiryIndex() == [])
  }

  @Test func `a largest value with a longest key may have an expiry`() throws {
    let fixture = try StoreFixture { $0.segmentByteCount = 8 << 20 }
    let longest = [UInt8](repeating: 0x6B, count: 500)
    let value = [UInt8](repeating: 0x76, count: Limits.valueByteCount)
    try fixture.store.put(longest, Entry(value: value, expiry: .max))
    #expect(try fixture.store.get(longest)?.count == value.count)
  }
}
