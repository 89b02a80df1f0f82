import Testing

@testable import KVStore

/// The short way through LMDB's pages against LMDB itself.
@Suite struct MappedTreeTests {
  /// Where the short way leads, or nil where it says that LMDB must be asked.
  private func shortWay(_ reader: ReadTransaction, _ key: [UInt8]) -> [UInt8]?? {
    guard let tree = reader.mappedTree else { return nil }
    switch tree.find(key.span.bytes) {
    case .value(let bytes): return .some(Array(bytes))
    case .absent: return .some(nil)
    case .unusual: return nil
    }
  }

  /// LMDB's own answer, or nil where it finds the tree damaged.
  private func longWay(_ reader: ReadTransaction, _ key: [UInt8]) -> [UInt8]?? {
    var cursor = try? reader.makeCursor()
    guard let isEntry = try? cursor?.seek(key) else { return nil }
    guard isEntry else { return .some(nil) }
    return cursor!.withEntry { found, value in
      .some(Array(copying: found) == key ? Array(copying: value) : nil)
    }
  }

  /// Keys of every length, many of them with long common beginnings, and zeros at their ends.
  private static func key(_ random: inout SeededGenerator) -> [UInt8] {
    let number = Int.random(in: 0..<3000, using: &random)
    switch number % 5 {
    case 0: return [UInt8](repeating: 0, count: number % 12)
    case 1: return Array("key:0000000\(number)".utf8)
    case 2: return Array("a long beginning that all of these have \(number)".utf8)
    case 3: return [UInt8](repeating: UInt8(number % 256), count: number % 501)
    default: return Array("\(number)".utf8) + [UInt8](repeating: 0, count: number % 3)
    }
  }

  private static func value(_ random: inout SeededGenerator) -> [UInt8] {
    let counts = [0, 1, 24, 100, 1000, 2000, 3000, 5000, 20_000]
    let most = counts[Int.random(in: 0..<counts.count, using: &random)]
    return random.bytes(count: Int.random(in: 0...most, using: &random))
  }

  /// Puts and deletes what `random` says; `model` follows.
  private func change(
    _ environment: LMDBEnvironment, _ model: inout [[UInt8]: [UInt8]], count: Int,
    _ random: inout SeededGenerator
  ) throws {
    var generator = random
    var entries = model
    try environment.write { transaction throws(StoreError) in
      for _ in 0..<count {
        let key = Self.key(&generator)
        if Int.random(in: 0..<3, using: &generator) == 0 {
          try transaction.delete(.data, key)
          entries[key] = nil
        } else {
          let value = Self.value(&generator)
          try transaction.put(.data, key, value)
          entries[key] = value
        }
      }
    }
    (random, model) = (generator, entries)
  }

  @Test func `every key is found that LMDB finds, and no other`() throws {
    var random = SeededGenerator(seed: testSeed())
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    let reader = try environment.makeReader()
    #expect(shortWay(reader, [1]) == .some(nil), "an empty tree")
    var model: [[UInt8]: [UInt8]] = [:]
    for count in [1, 2, 5, 20, 100, 400, 1000, 1000, 1000] {
      try change(environment, &model, count: count, &random)
      try reader.renew()
      for (key, value) in model { #expect(shortWay(reader, key) == .some(value)) }
      for _ in 0..<1000 {
        let key = Self.key(&random)
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
    try change(environment, &model, count: 500, &random)
    let reader = try environment.makeReader()
    let before = model
    for _ in 0..<20 { try change(environment, &model, count: 200, &random) }
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
        try change(environment, &model, count: 100, &random)
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
    try change(try fixture.open(), &model, count: 2000, &random)
    let sound = contents(fixture.path)
    let keys = Array(model.keys)
    var outcomes = (other: 0, unusual: 0)
    // LMDB's records of its databases are left alone, which are in pages of few entries: it must find the
    // tree before the tree can be looked at.
    let pages = (2..<sound.count / 4096).map { $0 * 4096 }.filter {
      sound[$0 + 10] != 2 || sound[$0 + 12] > 16 + 2 * 3 || sound[$0 + 13] > 0
    }
    for _ in 0..<150 {
      var file = sound
      for _ in 0..<200 {
        let page = pages[Int.random(in: 0..<pages.count, using: &random)]
        let place = Int.random(in: 0..<(Bool.random(using: &random) ? 64 : 4096), using: &random)
        file[page + place] = UInt8.random(in: 0...255, using: &random)
      }
      write(file, to: fixture.path)
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
