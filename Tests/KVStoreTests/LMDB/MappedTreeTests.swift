import Base
import Testing

@testable import KVStore

/// The short way through LMDB's pages against LMDB itself.
@Suite struct MappedTreeTests {
  /// Where the short way leads, or nil where it says that LMDB must be asked.
  private func shortWay(_ reader: ReadTransaction, _ key: [UInt8]) -> [UInt8]?? {
    guard let tree = reader.mappedTree else { return nil }
    switch tree.find(EntryAddress(.keys, key.span.bytes)) {
    case .value(let value): return .some(value.withBytes { Array(copying: $0) })
    case .absent: return .some(nil)
    case .unusual: return nil
    }
  }

  /// LMDB's own answer, or nil where it finds the tree damaged.
  private func longWay(_ reader: ReadTransaction, _ key: [UInt8]) -> [UInt8]?? {
    var cursor = try? reader.makeCursor()
    guard let isEntry = try? cursor?.seek([0] + key) else { return nil }
    guard isEntry else { return .some(nil) }
    return cursor!.withEntry { found, value in
      .some(Array(copying: found) == [0] + key ? Array(copying: value) : nil)
    }
  }

  @Test func `every key is found that LMDB finds, and no other`() throws {
    var random = SeededGenerator(seed: testSeed())
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    let reader = try environment.makeReader()
    #expect(shortWay(reader, [1]) == .some(nil), "an empty tree")
    var model: [[UInt8]: [UInt8]] = [:]
    for count in [1, 2, 5, 20, 100, 400, 1000, 1000, 1000] {
      try RandomTree.change(environment, &model, count: count, &random)
      try reader.renew()
      for (key, value) in model { #expect(shortWay(reader, key) == .some(value)) }
      for _ in 0..<1000 {
        let key = RandomTree.key(&random)
        #expect(shortWay(reader, key) == .some(model[key]))
        #expect(longWay(reader, key) == .some(model[key]))
      }
    }
    #expect(try reader.statistics().depth > 2)
  }

  @Test func `a view stays as it was while others write`() throws {
    var random = SeededGenerator(seed: testSeed())
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    var model: [[UInt8]: [UInt8]] = [:]
    try RandomTree.change(environment, &model, count: 500, &random)
    let reader = try environment.makeReader()
    let before = model
    for _ in 0..<20 { try RandomTree.change(environment, &model, count: 200, &random) }
    for (key, value) in before { #expect(shortWay(reader, key) == .some(value)) }
    try reader.renew()
    for (key, value) in model { #expect(shortWay(reader, key) == .some(value)) }
  }

  @Test func `the short way is there again after the map has grown`() throws {
    var random = SeededGenerator(seed: testSeed())
    let fixture = try PartitionFixture()
    let environment = try fixture.open(mapByteCount: 1 << 20)
    let reader = try environment.makeReader()
    var model: [[UInt8]: [UInt8]] = [:]
    var growths = 0
    while growths < 2 {
      let before = (random, model)
      do {
        try RandomTree.change(environment, &model, count: 100, &random)
      } catch let error as StoreError where error.isMapFull {
        (random, model) = before
        reader.reset()
        try environment.growMap()
        growths += 1
        continue
      }
      try reader.renew()
      for (key, value) in model { #expect(shortWay(reader, key) == .some(value)) }
    }
  }

  @Test func `pages with changed bytes lead to values in the file, to LMDB, or nowhere`() throws {
    var random = SeededGenerator(seed: testSeed())
    let fixture = try PartitionFixture()
    var model: [[UInt8]: [UInt8]] = [:]
    try RandomTree.change(try fixture.open(), &model, count: 2000, &random)
    let sound = contents(fixture.path)
    let keys = Array(model.keys)
    var outcomes = (other: 0, unusual: 0)
    for _ in 0..<150 {
      write(RandomTree.damaged(sound, &random), to: fixture.path)
      guard let environment = try? fixture.open(), let reader = try? environment.makeReader() else {
        continue
      }
      for _ in 0..<100 {
        let key = keys[Int.random(in: 0..<keys.count, using: &random)]
        guard let found = shortWay(reader, key) else {
          outcomes.unusual += 1
          continue
        }
        if found != model[key] { outcomes.other += 1 }
      }
    }
    #expect(outcomes.other > 0 && outcomes.unusual > 0)
  }
}
