import Base
import KVData
import Testing

@testable import KVStore

/// The store's own ways of writing, over the keys of maps. They replaced and removed the record and left the fields,
/// which nobody could reach or remove any more.
@Suite struct PlainWriteTests {
  private typealias Way = @Sendable (Store, [UInt8]) throws -> Void

  private static let ways: [(name: String, removes: Bool, run: Way)] = [
    ("Store.put", false, { store, key in try store.put(key, [7]) }),
    (
      "Store.delete", true,
      { store, key in
        let wasThere = try store.delete(key)
        #expect(wasThere)
      }
    ),
    (
      "Batch.put", false,
      { store, key in
        try store.commit(batch { batch throws(StoreError) in try batch.put(key, [7]) })
      }
    ),
    (
      "Batch.put with an expiry", false,
      { store, key in
        try store.commit(
          batch { batch throws(StoreError) in try batch.put(key, [7], type: 0, expiry: .max) })
      }
    ),
    (
      "Batch.delete", true,
      { store, key in try store.commit(batch { batch throws(StoreError) in try batch.delete(key) })
      }
    ),
    (
      "Evaluation.put", false,
      { store, key in
        try evaluate(store) { evaluation throws(StoreError) in
          try evaluation.put(key.rawSpan, [7].rawSpan)
        }
      }
    ),
    (
      "Evaluation.put with an expiry", false,
      { store, key in
        try evaluate(store) { evaluation throws(StoreError) in
          try evaluation.put(key.rawSpan, [7].rawSpan, type: 0, expiry: .max)
        }
      }
    ),
    (
      "Evaluation.delete", true,
      { store, key in
        try evaluate(store) { evaluation throws(StoreError) in try evaluation.delete(key.rawSpan) }
      }
    ),
    (
      "Evaluation.delete with an expiry", true,
      { store, key in
        try evaluate(store) { evaluation throws(StoreError) in
          try evaluation.delete(key.rawSpan, replacing: 0)
        }
      }
    ),
  ]

  private static func batch(_ body: (inout Batch) throws(StoreError) -> Void) throws -> Batch {
    var batch = Batch()
    try body(&batch)
    return batch
  }

  private static func evaluate(
    _ store: Store, _ body: (inout Evaluation) throws(StoreError) -> Void
  ) throws {
    try store.admit(byteCount: 1000)
    try store.waitUntilDurable(try store.evaluate(body).receipt)
  }

  private static func fill(_ map: OrderedMap, _ count: Int) throws {
    try map.set((0..<count).map { (bytes("field \($0)"), [1]) })
  }

  @Test(arguments: ways.indices, [3, 600])
  func `each of them removes the fields of a map with its record`(way: Int, count: Int) throws {
    let fixture = try DataFixture()
    let (name, removes, run) = Self.ways[way]
    let key = bytes("map")
    let other = fixture.map("other")
    try Self.fill(other, 5)
    for isApplied in [false, true] {
      try Self.fill(fixture.map("map"), count)
      if isApplied { try fixture.store.checkpoint() }
      try run(fixture.store, key)
      #expect(try fixture.store.get(key) == (removes ? nil : [7]), "\(name)")
      #expect(try fixture.fieldCount() == 5, "\(name)")
      #expect(try other.count() == 5)
      try fixture.store.delete(key)
    }
    try fixture.reopen()
    #expect(try fixture.fieldCount() == 5, "\(name)")
  }

  /// A batch sees what it has done itself: the fields of the second map are not those of the first.
  @Test func `a batch that makes, replaces and makes a map again leaves the last one alone`() throws
  {
    let fixture = try DataFixture()
    let key = bytes("map")
    try fixture.write { evaluation throws(StoreError) in
      for round in 0..<3 as Range<UInt8> {
        try evaluation.editMap(at: key.rawSpan) { map, evaluation throws(StoreError) in
          try map.set([round].rawSpan, [round].rawSpan, in: &evaluation)
        }
        if round < 2 { try evaluation.put(key.rawSpan, [9].rawSpan) }
        if round < 2 { try evaluation.delete(key.rawSpan) }
      }
    }
    #expect(try fixture.map("map").contents() == [Entry(field: [2], value: [2])])
    #expect(try fixture.fieldCount() == 1)
  }

  @Test(arguments: ways.indices)
  func `while nobody who knows maps is attached each refuses to, and changes nothing`(
    way: Int
  ) throws {
    let fixture = try DataFixture()
    try Self.fill(fixture.map("map"), 3)
    try fixture.store.put(bytes("string"), [1])
    try fixture.reopen()
    let store = fixture.store
    let sequence = store.publishedSequence
    #expect(throws: StoreError.wrongType) { try Self.ways[way].run(store, bytes("map")) }
    #expect(store.publishedSequence == sequence)
    // Other keys are written as ever.
    try Self.ways[way].run(store, bytes("string"))
    store.attachMaps()
    try Self.ways[way].run(store, bytes("map"))
    #expect(try fixture.fieldCount() == 0)
  }

  @Test func `a store that never had a map takes entries with types of others over one another`()
    throws
  {
    let fixture = try DataFixture()
    let store = fixture.store
    for type in [5, 0, 127, 9] as [UInt8] {
      try store.commit(
        Self.batch { batch throws(StoreError) in try batch.put(bytes("k"), [type], type: type) })
    }
    #expect(!store.mayHoldOwners)
    try store.put(bytes("k"), [1])
    #expect(try store.get(bytes("k")) == [1])
  }

  @Test func `a map that has expired is removed with its fields, too`() throws {
    let fixture = try DataFixture()
    try Self.fill(fixture.map("map"), 3)
    try fixture.write { evaluation throws(StoreError) in
      try Records.setExpiry(1, of: bytes("map").rawSpan, in: &evaluation)
    }
    #expect(try fixture.fieldCount() == 3)
    try fixture.store.put(bytes("map"), [7])
    #expect(try fixture.fieldCount() == 0)
    #expect(try fixture.store.get(bytes("map")) == [7])
  }

  /// An error in the middle of a command must not leave half of it to a script that goes on.
  @Test func `a rename, copy or replacement that is refused changes nothing`() throws {
    let fixture = try DataFixture()
    try Self.fill(fixture.map("map"), 3)
    let key = bytes("map")
    let tooLong = [UInt8](repeating: 0x6B, count: 501)
    let tooLarge = [UInt8](repeating: 0, count: Limits.valueByteCount + 1)
    try fixture.write { evaluation throws(StoreError) in
      var refusals = 0
      do throws(StoreError) {
        _ = try Records.rename(key.rawSpan, to: tooLong.rawSpan, in: &evaluation)
      } catch { refusals += 1 }
      do throws(StoreError) {
        _ = try Records.copy(key.rawSpan, to: tooLong.rawSpan, in: &evaluation)
      } catch { refusals += 1 }
      do throws(StoreError) {
        try Records.replace(key.rawSpan, with: tooLarge.rawSpan, in: &evaluation)
      } catch { refusals += 1 }
      do throws(StoreError) {
        try evaluation.put(key.rawSpan, tooLarge.rawSpan)
      } catch { refusals += 1 }
      do throws(StoreError) {
        try evaluation.editMap(at: tooLong.rawSpan) { map, evaluation throws(StoreError) in
          try map.set([1].rawSpan, [1].rawSpan, in: &evaluation)
        }
      } catch { refusals += 1 }
      #expect(refusals == 5)
    }
    #expect(try fixture.map("map").count() == 3)
    #expect(try fixture.fieldCount() == 3)
  }
}
