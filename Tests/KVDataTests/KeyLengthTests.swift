import KVData
import Testing

@testable import KVStore

/// Maps at keys of any length, with fields of any length.
@Suite struct KeyLengthTests {
  private static let lengths = [0, 1, 2, 4, 12, 16, 17, 255] + Array(485...503)

  private static func set(_ field: [UInt8], at key: [UInt8], in store: Store) -> StoreError? {
    do throws(StoreError) {
      try OrderedMap(at: key, in: store).set(field, [1])
      return nil
    } catch {
      return error
    }
  }

  @Test func `a map whose key or field is taken is there after it was opened again`() throws {
    let fixture = try DataFixture()
    var taken: [[UInt8]: [[UInt8]]] = [:]
    for beginning in [[], [0], [0, 0], [0, 1], [0, 3], [1]] as [[UInt8]] {
      for length in Self.lengths where length >= beginning.count {
        let bytes = beginning + [UInt8](repeating: 0x6B, count: length - beginning.count)
        for (key, field) in [(bytes, [9]), ([9] + beginning, bytes)] {
          let refusal = Self.set(field, at: key, in: fixture.store)
          switch refusal {
          case nil: taken[key, default: []].append(field)
          case .keyTooLong:
            #expect(key.count > Limits.keyByteCount || field.count > MapLimits.fieldByteCount)
          default: Issue.record("\(String(describing: refusal))")
          }
        }
      }
    }
    for round in 0..<3 {
      for (key, fields) in taken {
        let map = OrderedMap(at: key, in: fixture.store)
        #expect(try Set(map.contents().map(\.field)) == Set(fields))
        for field in fields { #expect(try map.get(field) != nil) }
      }
      if round == 0 { try fixture.store.checkpoint() }
      if round == 1 { try fixture.reopen() }
    }
    #expect(try fixture.fieldCount() == taken.values.reduce(0) { $0 + Set($1).count })
    #expect(try OrderedMap(at: [0, 7], in: fixture.store).count() == 0)
  }

  @Test func `a map's fields are out of reach of the public ways`() throws {
    let fixture = try DataFixture()
    let store = fixture.store
    try fixture.map("m").set(bytes("f"), [1])
    let field = try #require(try store.scan(.everything, in: .owned).first).key
    #expect(try store.get(field) == nil)
    try store.put(field, [2])
    try OrderedMap(at: field + [0], in: store).set(bytes("f"), [3])
    #expect(try fixture.map("m").contents() == [Entry(field: bytes("f"), value: [1])])
    try store.deleteRange(.prefix(field))
    #expect(try store.get(field) == nil)
    #expect(try fixture.map("m").get(bytes("f")) == [1])
  }
}
