import Base
import Testing

@testable import KVStore

/// Entries that cease to exist at their time.
@Suite struct ExpiryTests {
  private let clock = TestClock(milliseconds: 1_000_000)
  private let key = bytes("k")
  private let mortal = Entry(value: bytes("v"), expiry: 1_000_100)

  private func fixture() throws -> StoreFixture {
    try StoreFixture { $0.clock = clock.source }
  }

  /// Where the entry may lie when it is read.
  enum Place: CaseIterable {
    case memory, sealed, lmdb
  }

  private func bring(_ store: Store, to place: Place) throws {
    switch place {
    case .memory: break
    case .sealed: store.seal()
    case .lmdb: try store.checkpoint()
    }
  }

  @Test(arguments: Place.allCases)
  func `an entry is there until its time, and from then on absent from every read`(place: Place)
    throws
  {
    let fixture = try fixture()
    let store = fixture.store
    try store.put(key, mortal)
    try store.put(bytes("l"), bytes("lasting"))
    try bring(store, to: place)
    let before = try store.snapshot()
    clock.pass(milliseconds: 99)
    #expect(try isThere(store))
    clock.pass(milliseconds: 1)
    #expect(try !isThere(store))
    #expect(try before.get(key) == bytes("v"))
    #expect(try store.snapshot().get(key) == nil)
  }

  /// What every kind of read says, which must be the same.
  private func isThere(_ store: Store) throws -> Bool {
    var answers: Set<Bool> = []
    answers.insert(try store.get(key) != nil)
    answers.insert(try store.sequence(of: key) != 0)
    answers.insert(try store.entry(key) == mortal)
    for reverse in [false, true] {
      let keys = try store.scan(.everything, reverse: reverse, limit: .max).map(\.key)
      answers.insert(keys.contains(key))
      #expect(keys.contains(bytes("l")))
    }
    let reader = store.makeReader()
    answers.insert(try reader.entries([bytes("l"), key])[1] != nil)
    answers.insert(try reader.entries(in: .everything)[key] != nil)
    answers.insert(try reader.entryInCut(key) != nil)
    reader.close()
    _ = try store.evaluate { evaluation throws(StoreError) in
      answers.insert(try evaluation.exists(key.rawSpan))
      answers.insert(try evaluation.entry(key) != nil)
      answers.insert(try evaluation.sequence(of: key.rawSpan) != 0)
      answers.insert(try evaluation.entries(in: .everything)[key] != nil)
      #expect(try evaluation.storedEntry(key) == mortal)
    }
    answers.insert(try holds(.present, store))
    answers.insert(try !holds(.absent, store))
    try #require(answers.count == 1)
    return answers.contains(true)
  }

  private func holds(_ condition: Precondition, _ store: Store) throws -> Bool {
    var batch = Batch()
    try batch.put(bytes("l"), bytes("lasting"))
    try batch.require(condition, of: key)
    let sequence = try? store.commit(batch)
    return sequence != nil
  }

  @Test func `what an evaluation puts is held to its time too`() throws {
    let fixture = try fixture()
    try fixture.store.evaluateDurably { evaluation throws(StoreError) in
      try evaluation.put(bytes("past"), Entry(value: [1], expiry: evaluation.now))
      try evaluation.put(bytes("future"), Entry(value: [2], expiry: evaluation.now + 1))
      #expect(try evaluation.entry(bytes("past")) == nil)
      #expect(try evaluation.value("past") == nil)
      #expect(try evaluation.sequence("past") == 0)
      #expect(try evaluation.value("future") == [2])
      #expect(try Array(evaluation.entries(in: .everything).keys) == [bytes("future")])
    }
    #expect(try Array(fixture.contents().keys) == [bytes("future")])
  }

  @Test func `one evaluation has one moment`() throws {
    let fixture = try fixture()
    try fixture.store.put(key, mortal)
    clock.pass(milliseconds: 99)
    _ = try fixture.store.evaluate { evaluation throws(StoreError) in
      #expect(try evaluation.exists(key.rawSpan))
      let now = evaluation.now
      clock.pass(milliseconds: 5)
      let later = evaluation.now
      #expect(later == now)
      #expect(try evaluation.exists(key.rawSpan))
    }
    _ = try fixture.store.evaluate { evaluation throws(StoreError) in
      #expect(try !evaluation.exists(key.rawSpan))
    }
  }

  @Test func `what has expired stays so when the time of day is set back`() throws {
    let fixture = try fixture()
    try fixture.store.put(key, mortal)
    clock.pass(milliseconds: 100)
    #expect(try fixture.store.get(key) == nil)
    clock.set(by: -50_000)
    #expect(try fixture.store.get(key) == nil)
    #expect(fixture.store.now == 1_000_100)
  }

  @Test(arguments: [false, true])
  func `and also after the store was closed, or killed, once its clock is kept`(isKilled: Bool)
    throws
  {
    let first = try fixture()
    try first.store.put(key, mortal)
    clock.pass(milliseconds: 150)
    #expect(try first.store.get(key) == nil)
    try first.store.evaluateDurably { evaluation throws(StoreError) in try evaluation.putClock() }
    clock.set(by: -50_000)
    let second = isKilled ? try first.crashImage() : first
    if !isKilled { try first.reopen() }
    #expect(try second.store.get(key) == nil)
    #expect(second.store.now == 1_000_150)
    clock.pass(milliseconds: 3)
    #expect(second.store.now == 1_000_153)
  }

  @Test(arguments: [false, true])
  func `the lead of its clock is the same after the store was closed, or killed`(isKilled: Bool)
    throws
  {
    let first = try fixture()
    clock.set(by: 7_200_000)
    #expect(first.store.now == 8_200_000)
    clock.set(by: -7_200_000)
    clock.pass(milliseconds: 5)
    #expect(first.store.clockLead == 7_200_000)
    try first.store.evaluateDurably { evaluation throws(StoreError) in try evaluation.putClock() }
    let second = isKilled ? try first.crashImage() : first
    clock.pass(milliseconds: 90_000)
    if !isKilled { try first.reopen() }
    #expect(second.store.clockLead == 7_200_000)
    #expect(second.store.now == 8_290_005)
  }

  @Test func `a reader tells which expired entries it met`() throws {
    let fixture = try fixture()
    let keys = (0..<100).map { bytes("key \($0)") }
    var batch = Batch()
    for key in keys { try batch.put(key, [], type: 0, expiry: 1_000_001) }
    try batch.put(bytes("l"), bytes("lasting"))
    try fixture.store.commit(batch)
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    #expect(try reader.entries(keys).allSatisfy { $0 != nil })
    #expect(!reader.hasMetExpired && reader.expiredKeysSeen.isEmpty)
    clock.pass(milliseconds: 1)
    #expect(try reader.entry(keys[7]) == nil)
    #expect(try reader.value("l") != nil)
    #expect(reader.hasMetExpired && reader.expiredKeysSeen == [keys[7]])
    reader.forgetExpired()
    #expect(!reader.hasMetExpired && reader.expiredKeysSeen.isEmpty)
    #expect(try reader.entries(in: .everything).count == 1)
    #expect(reader.expiredKeysSeenCount == 100)
    #expect(reader.expiredKeysSeen.count == Reader.expiredKeyLimit)
    #expect(Set(keys).isSuperset(of: reader.expiredKeysSeen))
  }

  @Test func `a value of another type than bytes is no value, and is an entry`() throws {
    let fixture = try fixture()
    let store = fixture.store
    let map = Entry(value: [1, 2], type: 1)
    try store.put(key, map)
    for place in Place.allCases {
      try bring(store, to: place)
      #expect(throws: StoreError.wrongType) { try store.get(key) }
      #expect(throws: StoreError.wrongType) { try store.snapshot().get(key) }
      #expect(throws: StoreError.wrongType) {
        _ = try store.evaluate { evaluation throws(StoreError) in try evaluation.value("k") }
      }
      #expect(try store.entry(key) == map)
      #expect(try store.snapshot().entry(key) == map)
      #expect(try store.sequence(of: key) != 0)
      _ = try store.evaluate { evaluation throws(StoreError) in
        #expect(try evaluation.exists(key.rawSpan))
        #expect(try evaluation.entry(key) == map)
      }
    }
    #expect(throws: StoreError.wrongType) {
      _ = try store.evaluate { evaluation throws(StoreError) in
        try evaluation.put(bytes("own"), map)
        _ = try evaluation.value("own")
      }
    }
    // Once it has expired it is no longer of a wrong type either.
    try store.put(key, Entry(value: [], type: 1, expiry: 1_000_001))
    clock.pass(milliseconds: 1)
    #expect(try store.get(key) == nil)
  }
}
