import Testing

@testable import KVStore

@Suite struct MemtableCursorTests {
  private let memtable = Memtable(hash: KeyHash(seed: 2))

  @Test func `a cursor over nothing is nowhere`() {
    var cursor = memtable.makeCursor(at: .max)
    #expect(!cursor.isValid)
    cursor.seek(RawSpan())
    #expect(!cursor.isValid)
    cursor.seekLast()
    #expect(!cursor.isValid)
  }

  @Test func `a seek finds the first key at or behind, a backward seek the last before`() {
    for key: [UInt8] in [[], [5], [5, 0], [7]] { insert(key, 1) }
    var cursor = memtable.makeCursor(at: 1)
    let forward: [([UInt8], [UInt8]?)] = [
      ([], []), ([0], [5]), ([5], [5]), ([5, 0], [5, 0]), ([5, 0, 0], [7]), ([7, 0], nil),
    ]
    for (target, found) in forward {
      cursor.seek(target)
      #expect(cursor.key == found)
    }
    let backward: [([UInt8], [UInt8]?)] = [
      ([], nil), ([0], []), ([5], []), ([5, 0], [5]), ([6], [5, 0]), ([8], [7]),
    ]
    for (target, found) in backward {
      cursor.seekBackward(target)
      #expect(cursor.key == found)
    }
    cursor.seekLast()
    #expect(cursor.key == [7])
  }

  @Test func `keys without a version at the sequence are passed over in both directions`() {
    for number in 0..<100 { insert([UInt8(number)], SequenceNumber(1 + number / 50)) }
    for number in 0..<100 where number % 3 == 0 { insert([UInt8(number), 1], 3) }
    var cursor = memtable.makeCursor(at: 1)
    cursor.seekLast()
    #expect(cursor.key == [49])
    cursor.previous()
    #expect(cursor.key == [48])
    cursor.next()
    #expect(cursor.key == [49])
    cursor.next()
    #expect(!cursor.isValid)
    #expect(memtable.makeCursor(at: 0).isValid == false)
    #expect(memtable.ordered(at: 2).count == 100)
    #expect(memtable.ordered(at: 3).count == 134)
  }

  /// Cursors are made between inserts, so that the keys lie in several runs of several lengths; every
  /// walk is compared with a sorted array.
  @Test(arguments: [false, true])
  func `any walk agrees with the model`(isOrdered: Bool) {
    var random = ReplayableRandom.announced()
    var model = MemtableModel()
    for sequence in SequenceNumber(1)...600 {
      let entry = MemtableModel.Entry(
        key: random.awkwardKey(),
        header: EntryHeader(sequence: sequence, kind: .put, expiry: sequence),
        value: random.bytes(4))
      model.insert(entry)
      memtable.insert(entry)
      if Int.random(in: 0..<20, using: &random) == 0 {
        walk(model, at: .random(in: 0...sequence, using: &random), &random)
      }
    }
    if isOrdered { memtable.order() }
    for _ in 0..<30 { walk(model, at: .random(in: 0...600, using: &random), &random) }
  }

  private func walk(
    _ model: MemtableModel, at sequence: SequenceNumber, _ random: inout ReplayableRandom
  ) {
    let expected = model.ordered(at: sequence)
    var cursor = memtable.makeCursor(at: sequence)
    var place: Int?
    for _ in 0..<60 {
      switch (Int.random(in: 0..<12, using: &random), place) {
      case (0, _):
        let target = random.awkwardKey()
        cursor.seek(target)
        place = expected.firstIndex { !$0.key.lexicographicallyPrecedes(target) }
      case (1, _):
        let target = random.awkwardKey()
        cursor.seekBackward(target)
        place = expected.lastIndex { $0.key.lexicographicallyPrecedes(target) }
      case (2, _), (_, nil):
        cursor.seekLast()
        place = expected.indices.last
      case (3..<8, let known?):
        cursor.next()
        place = known + 1 < expected.count ? known + 1 : nil
      case (_, let known?):
        cursor.previous()
        place = known > 0 ? known - 1 : nil
      }
      #expect(cursor.entry == place.map { expected[$0] })
    }
  }

  @Test func `keys come in byte order whatever they share and wherever they end`() {
    var random = ReplayableRandom.announced()
    var keys: Set<[UInt8]> = []
    for prefixByteCount in [0, 1, 7, 8, 9, 16, 30] {
      let prefix = [UInt8](repeating: 0x62, count: prefixByteCount)
      for tail in 0..<12 {
        keys.insert(prefix + [UInt8](repeating: 0, count: tail))
        keys.insert(prefix + [UInt8](repeating: 0xFF, count: tail))
      }
      for _ in 0..<300 { keys.insert(prefix + random.bytes(.random(in: 0...9, using: &random))) }
    }
    for key in keys.shuffled(using: &random) { insert(key, 1) }
    let expected = keys.sorted { $0.lexicographicallyPrecedes($1) }
    #expect(memtable.ordered(at: 1).map(\.key) == expected)
    memtable.order()
    #expect(memtable.ordered(at: 1).map(\.key) == expected)
  }

  /// Each key is a prefix of the next: the deepest nesting that keys allow.
  @Test func `a chain of prefixes is put in order`() {
    for count in (0...500).shuffled() { insert([UInt8](repeating: 0x7A, count: count), 1) }
    memtable.order()
    #expect(memtable.ordered(at: 1).map(\.key.count) == Array(0...500))
  }

  @Test func `a large table is put in order, by runs and in one`() {
    var random = ReplayableRandom.announced()
    let keys = (0..<50_000).map { Array("user:\($0 &* 7919 % 100_003)".utf8) }
    for (number, key) in keys.enumerated() {
      insert(key, 1)
      if Int.random(in: 0..<1000, using: &random) == 0 {
        #expect(countKeys(memtable.makeCursor(at: 1)) == number + 1)
      }
    }
    let expected = keys.sorted { $0.lexicographicallyPrecedes($1) }
    #expect(memtable.ordered(at: 1).map(\.key) == expected)
    memtable.order()
    #expect(memtable.ordered(at: 1).map(\.key) == expected)
  }

  @Test func `a cursor keeps the table and its runs alive`() {
    var cursor: MemtableCursor
    do {
      let table = Memtable(hash: KeyHash(seed: 3))
      for number in 0..<UInt8(100) {
        let entry = MemtableModel.Entry(
          key: [number], header: EntryHeader(sequence: 1, kind: .put), value: [number])
        table.insert(entry)
      }
      cursor = table.makeCursor(at: 1)
      table.order()
    }
    cursor.seek(RawSpan())
    for number in 0..<UInt8(100) {
      #expect(cursor.entry?.value == [number])
      cursor.next()
    }
    #expect(!cursor.isValid)
  }

  private func countKeys(_ made: MemtableCursor) -> Int {
    var cursor = made
    var count = 0
    cursor.seek(RawSpan())
    while cursor.isValid {
      count += 1
      cursor.next()
    }
    return count
  }

  private func insert(_ key: [UInt8], _ sequence: SequenceNumber) {
    memtable.insert(
      .init(key: key, header: EntryHeader(sequence: sequence, kind: .put), value: []))
  }
}
