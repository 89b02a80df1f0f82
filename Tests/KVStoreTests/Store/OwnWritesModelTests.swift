import Base
import Testing

@testable import KVStore

/// What an evaluation reads back of its own puts, deletes and range deletes.
@Suite struct OwnWritesModelTests {
  private static func key(_ random: inout SeededGenerator) -> [UInt8] {
    bytes("k\(Int.random(in: 0..<30, using: &random))")
  }

  @Test func `an evaluation reads what a dictionary would hold`() throws {
    var random = SeededGenerator(seed: testSeed())
    let fixture = try StoreFixture()
    var model: [[UInt8]: [UInt8]] = [:]
    for round in 0..<60 {
      let receipt = try fixture.store.evaluate { evaluation throws(StoreError) in
        for step in 0..<Int.random(in: 1...60, using: &random) {
          let key = Self.key(&random)
          switch Int.random(in: 0..<10, using: &random) {
          case 0..<4:
            let value = bytes("\(round) \(step)")
            try evaluation.put(key.rawSpan, value.rawSpan)
            model[key] = value
          case 4, 5:
            try evaluation.delete(key.rawSpan)
            model[key] = nil
          case 6:
            let other = Self.key(&random)
            let range =
              key.isBefore(other)
              ? KeyRange(from: key, to: other) : KeyRange.prefix(other)
            try evaluation.deleteRange(range)
            for old in model.keys where range.contains(old.rawSpan) { model[old] = nil }
          case 7:
            // In the partition of a key alone, whatever lies in the range elsewhere.
            let range = KeyRange(from: key)
            try evaluation.deleteRange(range, in: .keys, ofPartitionOf: key.rawSpan)
            let partition = fixture.store.partition(of: key)
            for old in model.keys
            where range.contains(old.rawSpan)
              && fixture.store.partition(of: old) == partition
            {
              model[old] = nil
            }
          case 8:
            let found = try evaluation.withValue(of: key.rawSpan) { copy($0) }
            #expect(found == model[key])
          default:
            var found: [[UInt8]: [UInt8]] = [:]
            let range = KeyRange(from: key)
            try evaluation.scan(range) { key, value in
              found[Array(copying: key)] = Array(copying: value)
              return true
            }
            #expect(found == model.filter { range.contains($0.key.rawSpan) })
          }
        }
        #expect(try evaluation.countEntries() == model.count)
      }.receipt
      try fixture.store.waitUntilDurable(receipt)
      #expect(try fixture.contents() == model)
      if round % 20 == 19 { try fixture.reopen() }
    }
    try fixture.store.waitUntilPurged()
    #expect(try fixture.contents() == model)
  }

  @Test func `keys that are taken out are not looked at again`() {
    func steps(_ count: Int) -> Int {
      var keys = SortedKeySet()
      for number in 0..<count {
        keys.insert(bytes("a\(number)"))
        keys.insert(bytes("b\(number)"))
        // Every time all that there are of one kind, as a batch of puts and range deletes does.
        #expect(
          keys.remove(in: StoredRange(lower: bytes("b"), upper: bytes("c"))) { _ in true } == [
            bytes("b\(number)")
          ])
      }
      #expect(keys.keys(in: StoredRange(lower: [], upper: [255])).count == count)
      return keys.stepCount
    }
    let (few, many) = (steps(300), steps(3000))
    #expect(few > 0)
    #expect(many < few * 20)
  }
}
