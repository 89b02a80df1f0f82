import Base
import KVData
import Testing

@testable import KVStore

struct OrderedMapTests {
  @Test func `a map is made by its first field and gone with its last`() throws {
    let fixture = try DataFixture()
    let map = fixture.map("m")
    #expect(try map.count() == 0)
    #expect(try map.get(bytes("a")) == nil)
    #expect(try !map.deleteAll())
    #expect(try map.set(bytes("a"), bytes("1")))
    #expect(try !map.set(bytes("a"), bytes("2")))
    #expect(try map.get(bytes("a")) == bytes("2"))
    #expect(try fixture.store.countEntries() == 1)
    #expect(try map.delete([bytes("a"), bytes("a"), bytes("b")]) == 1)
    #expect(try fixture.store.countEntries() == 0)
    #expect(try fixture.fieldCount() == 0)
  }

  @Test func `fields come in the order of their bytes, and are no keys`() throws {
    let fixture = try DataFixture()
    let map = fixture.map("m")
    let fields =
      [[], [0], [0, 0], [1], bytes("a"), bytes("ab"), [0xFF], [0xFF, 0xFF]] as [[UInt8]]
    #expect(try map.set(fields.reversed().map { (field: $0, value: $0) }) == fields.count)
    #expect(try map.contents().map(\.field) == fields)
    #expect(try map.contents(reverse: true).map(\.field) == fields.reversed())
    #expect(try map.contents(.prefix([0xFF])).map(\.field) == Array(fields.suffix(2)))
    #expect(try fixture.store.scan(.everything, limit: .max).map(\.key) == [bytes("m")])
  }

  @Test func `what measures too much is refused and changes nothing`() throws {
    let fixture = try DataFixture()
    let map = fixture.map("m")
    let longest = [UInt8](repeating: 7, count: MapLimits.fieldByteCount)
    #expect(try map.set(longest, [1]))
    #expect(try map.get(longest) == [1])
    #expect(throws: StoreError.keyTooLong(byteCount: 491, limit: 490)) {
      try map.set([(bytes("a"), []), (longest + [7], [])])
    }
    #expect(try map.get(longest + [7]) == nil)
    #expect(try map.count() == 1)
    #expect(try map.delete([longest + [7]]) == 0)
  }

  @Test func `a key that holds bytes is of the wrong type`() throws {
    let fixture = try DataFixture()
    try fixture.store.put(bytes("s"), bytes("text"))
    let map = fixture.map("s")
    #expect(throws: StoreError.wrongType) { try map.count() }
    #expect(throws: StoreError.wrongType) { try map.get([]) }
    #expect(throws: StoreError.wrongType) { try map.set([], []) }
    #expect(throws: StoreError.wrongType) { try map.delete([[]]) }
    #expect(throws: StoreError.wrongType) { try map.deleteAll() }
    #expect(throws: StoreError.wrongType) { try map.contents() }
    _ = try fixture.map("m").set([], [])
    #expect(throws: StoreError.wrongType) { try fixture.store.get(bytes("m")) }
  }

  @Test func `every write of a map gives its key a new sequence`() throws {
    let fixture = try DataFixture()
    let map = fixture.map("m")
    var last: SequenceNumber = 0
    let writes: [() throws -> Bool] = [
      { try map.set(bytes("a"), []) }, { try map.set(bytes("a"), []) },
      { try map.set(bytes("b"), []) }, { try map.delete([bytes("a")]) == 1 },
    ]
    for write in writes {
      _ = try write()
      let sequence = try fixture.store.sequence(of: bytes("m"))
      #expect(sequence > last)
      last = sequence
    }
    #expect(try map.delete([bytes("none")]) == 0)
    #expect(try fixture.store.sequence(of: bytes("m")) == last)
  }

  @Test func `several maps change as one batch, or not at all`() throws {
    let fixture = try DataFixture()
    #expect(throws: StoreError.closed) {
      try fixture.write { evaluation throws(StoreError) in
        for key in ["a", "b", "c"] {
          try evaluation.editMap(at: bytes(key).rawSpan) { map, evaluation throws(StoreError) in
            try map.set(bytes("f").rawSpan, bytes("1").rawSpan, in: &evaluation)
          }
        }
        throw .closed
      }
    }
    #expect(try fixture.store.countEntries() == 0)
    #expect(try fixture.fieldCount() == 0)
  }

  @Test func `a map that another took the name of keeps nothing`() throws {
    let fixture = try DataFixture()
    _ = try fixture.map("a").set([(bytes("x"), [1]), (bytes("y"), [2])])
    _ = try fixture.map("b").set(bytes("z"), [3])
    let isRenamed = try fixture.write { evaluation throws(StoreError) in
      try Records.rename(bytes("b").rawSpan, to: bytes("a").rawSpan, in: &evaluation)
    }
    #expect(isRenamed)
    #expect(try fixture.map("a").contents() == [Entry(field: bytes("z"), value: [3])])
    #expect(try fixture.map("b").count() == 0)
    #expect(try fixture.fieldCount() == 1)
  }

  @Test func `a map that expired leaves no field to the one after it`() throws {
    let fixture = try DataFixture()
    _ = try fixture.map("m").set([(bytes("x"), [1]), (bytes("y"), [2])])
    let key = bytes("m")
    try fixture.write { evaluation throws(StoreError) in
      let record = try evaluation.withEntry(of: key.rawSpan) { _, value in
        [UInt8](copying: value)
      }
      try evaluation.putEntry(key.rawSpan, record.rawSpan, type: 1, expiry: 1)
    }
    #expect(try fixture.map("m").count() == 0)
    #expect(try fixture.fieldCount() == 2)
    #expect(try fixture.map("m").set(bytes("z"), [3]))
    #expect(try fixture.map("m").contents() == [Entry(field: bytes("z"), value: [3])])
    #expect(try fixture.fieldCount() == 1)
  }
}
