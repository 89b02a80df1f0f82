import Base
import Testing

@testable import KVStore

/// Keys that begin with 0x00 and a byte from 0x01 to 0x0F are the store's own. They were taken from anyone: what
/// `put` wrote there could be read and was in no range, and eight bytes at the clock's key set the store's clock.
@Suite struct ReservedKeyTests {
  private static let reserved: [[UInt8]] =
    (1...15).flatMap { [[0, $0], [0, $0, 0, 0], [0, $0] + [UInt8](repeating: 7, count: 498)] }
    + [ClockRecord.key, InternalKey.mapPrefix(slot: 3, id: [UInt8](repeating: 1, count: 12)) + [9]]

  private static func expectRefusal(
    _ store: Store, _ body: (inout Evaluation) throws(StoreError) -> Void
  ) {
    do throws(StoreError) {
      _ = try store.evaluate(body)
      Issue.record("a reserved key was written")
    } catch {
      #expect(error == .reservedKey)
    }
  }

  @Test(arguments: reserved)
  func `no public way writes one, and nothing of the attempt is left`(key: [UInt8]) throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let appended = store.coordinator.appended
    var batch = Batch()
    #expect(throws: StoreError.reservedKey) { try batch.put(key, [1]) }
    #expect(throws: StoreError.reservedKey) { try batch.put(key, [1], type: 1, expiry: .max) }
    #expect(throws: StoreError.reservedKey) { try batch.delete(key) }
    for condition in [Precondition.absent, .present, .sequence(1)] {
      #expect(throws: StoreError.reservedKey) { try batch.require(condition, of: key) }
    }
    #expect(batch.isEmpty)
    #expect(throws: StoreError.reservedKey) { try store.put(key, [1]) }
    #expect(throws: StoreError.reservedKey) { try store.delete(key) }
    Self.expectRefusal(store) { evaluation throws(StoreError) in
      try evaluation.put(key.rawSpan, RawSpan())
    }
    Self.expectRefusal(store) { evaluation throws(StoreError) in
      try evaluation.put(key.rawSpan, RawSpan(), type: 2, expiry: 9)
    }
    Self.expectRefusal(store) { evaluation throws(StoreError) in
      try evaluation.delete(key.rawSpan)
    }
    Self.expectRefusal(store) { evaluation throws(StoreError) in
      try evaluation.delete(key.rawSpan, replacing: 9)
    }
    Self.expectRefusal(store) { evaluation throws(StoreError) in
      try evaluation.require(.absent, of: key.rawSpan)
    }
    #expect(store.coordinator.appended == appended)
  }

  @Test(arguments: [false, true])
  func `no public read finds one that the store has, and no range deletes it`(isApplied: Bool)
    throws
  {
    let fixture = try StoreFixture()
    let store = fixture.store
    for key in Self.reserved { try store.put(stored: key, [1]) }
    try store.put([0], [2])
    try store.put([0, 16], [3])
    if isApplied { try store.checkpoint() }
    let users: [[UInt8]: Entry] = [[0]: Entry(value: [2]), [0, 16]: Entry(value: [3])]
    let reader = store.makeReader()
    defer { reader.close() }
    let snapshot = try store.snapshot()
    defer { snapshot.close() }
    for key in Self.reserved {
      #expect(try store.get(key) == nil)
      #expect(try store.sequence(of: key) == 0)
      #expect(try reader.entry(key) == nil)
      #expect(try reader.entryInCut(key) == nil)
      #expect(try reader.entries([key, [0]]) == [nil, users[[0]]])
      #expect(try snapshot.get(key) == nil)
      #expect(try snapshot.entry(key) == nil)
      try store.evaluateDurably { evaluation throws(StoreError) in
        #expect(try !evaluation.exists(key.rawSpan))
        #expect(try evaluation.sequence(of: key.rawSpan) == 0)
        #expect(try evaluation.entry(key) == nil)
        #expect(try evaluation.storedEntry(key) == nil)
        let value = try evaluation.withValue(of: key.rawSpan) { copy($0) }
        #expect(value == nil)
      }
    }
    let ranges: [KeyRange] = [
      InternalKey.range, InternalKey.mapFields, .prefix([0, 3]), .prefix([0]),
    ]
    for range in ranges {
      let expected = users.filter { range.contains($0.key.rawSpan) }
      #expect(try reader.entries(in: range) == expected)
      #expect(try reader.entries(in: range, reverse: true) == expected)
      var found = 0
      try snapshot.scan(range) { _, _ in
        found += 1
        return true
      }
      #expect(found == expected.count)
      try store.evaluateDurably { evaluation throws(StoreError) in
        #expect(try evaluation.entries(in: range) == expected)
      }
      reader.end()
      try store.deleteRange(range)
      var batch = Batch()
      try batch.deleteRange(range)
      try store.commit(batch)
      try store.put([0], [2])
    }
    #expect(try Set(store.scan(stored: InternalKey.range).map(\.key)) == Set(Self.reserved))
  }

  /// The fault as it was: an 8-byte value at the clock's key made all that expires vanish at the next open.
  @Test func `the clock's record is out of reach`() throws {
    let clock = TestClock()
    let fixture = try StoreFixture { $0.clock = clock.source }
    let store = fixture.store
    try store.put(bytes("mortal"), Entry(value: [1], expiry: store.now + 1000))
    #expect(throws: StoreError.reservedKey) {
      try store.put([0, 3, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0])
    }
    try fixture.reopen()
    #expect(try fixture.store.get(bytes("mortal")) == [1])
  }

  @Test func `integers as big-endian bytes say which of them cannot be keys`() throws {
    let fixture = try StoreFixture()
    for number in [0, 255, 65_535, 65_536, 1_048_575, 1_048_576, .max] as [UInt32] {
      let key = (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * UInt32($0))) }
      if (65_536..<1_048_576).contains(number) {
        #expect(throws: StoreError.reservedKey) { try fixture.store.put(key, [1]) }
      } else {
        try fixture.store.put(key, [1])
        #expect(try fixture.store.scan(.prefix(key), limit: 2).map(\.key) == [key])
      }
    }
    #expect("\(StoreError.reservedKey)".contains("0x00"))
  }
}
