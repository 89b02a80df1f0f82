import Base
import Testing

@testable import KVStore

@Suite struct EvaluationScanTests {
  /// The same writes are made in an evaluation and in a dictionary, over a store whose entries lie in
  /// LMDB, in memory and under a range delete; every scan must agree.
  @Test(arguments: UInt64(1)...12)
  func `a scan in an evaluation sees the store with its own writes over it`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let fixture = try StoreFixture()
    var model: [[UInt8]: [UInt8]] = [:]
    for round in 0..<3 {
      var batch = Batch()
      for _ in 0..<40 {
        let key = Self.key(&random)
        try batch.put(key, [UInt8(round)])
        model[key] = [UInt8(round)]
      }
      try fixture.store.commit(batch)
      if round == 0 { try fixture.store.checkpoint() }
      if round == 1 {
        let range = Self.range(&random)
        try fixture.store.deleteRange(range)
        model = model.filter { !range.contains($0.key.rawSpan) }
      }
    }
    let (_, receipt) = try fixture.store.evaluate { evaluation throws(StoreError) in
      for step in 0..<30 {
        let key = Self.key(&random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
          let range = Self.range(&random)
          try evaluation.deleteRange(range)
          model = model.filter { !range.contains($0.key.rawSpan) }
        case 1, 2:
          try evaluation.delete(key.rawSpan)
          model[key] = nil
        default:
          let value = [UInt8(100 + step)]
          try evaluation.put(key.rawSpan, value.rawSpan)
          model[key] = value
        }
        try Self.compare(&evaluation, model, &random)
      }
    }
    try fixture.store.waitUntilDurable(receipt)
    #expect(try fixture.contents() == model)
    #expect(try fixture.store.countEntries() == model.count)
  }

  private static func compare(
    _ evaluation: inout Evaluation, _ model: [[UInt8]: [UInt8]], _ random: inout SeededGenerator
  ) throws(StoreError) {
    let range = Bool.random(using: &random) ? KeyRange.everything : Self.range(&random)
    let limit = Int.random(in: 0...20, using: &random)
    for reverse in [false, true] {
      var expected = model.filter { range.contains($0.key.rawSpan) }
        .sorted { $0.key.lexicographicallyPrecedes($1.key) }
      if reverse { expected.reverse() }
      var found: [(key: [UInt8], value: [UInt8])] = []
      try evaluation.scan(range, reverse: reverse, limit: limit) { key, value in
        found.append(([UInt8](copying: key), [UInt8](copying: value)))
        return true
      }
      #expect(found.map(\.key) == expected.prefix(limit).map(\.key))
      #expect(found.map(\.value) == expected.prefix(limit).map(\.value))
    }
    let count = try evaluation.countEntries()
    #expect(count == model.count)
  }

  private static func key(_ random: inout SeededGenerator) -> [UInt8] {
    (0..<Int.random(in: 0...2, using: &random)).map { _ in
      UInt8.random(in: 97...104, using: &random)
    }
  }

  private static func range(_ random: inout SeededGenerator) -> KeyRange {
    let bounds = [key(&random), key(&random)].sorted { $0.lexicographicallyPrecedes($1) }
    return KeyRange(from: bounds[0], to: bounds[1])
  }
}
