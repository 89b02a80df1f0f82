import Base
import Testing

@testable import KVStore

@Suite struct CursorTests {
  private let fixture: PartitionFixture
  private let environment: LMDBEnvironment

  init() throws {
    fixture = try PartitionFixture()
    environment = try fixture.open()
  }

  /// Stored keys of few different bytes and many lengths, so that prefixes, neighbours and several
  /// keyspaces occur; with values that spread them over several pages.
  private func fill(seed: UInt64, count: Int) throws -> [[UInt8]] {
    var generator = SeededGenerator(seed: seed)
    var keys = Set<[UInt8]>([[0xFF], [0]])
    while keys.count < count { keys.insert(randomKey(&generator)) }
    try environment.write { transaction throws(StoreError) in
      for key in keys { try transaction.put(.data, key, key + [UInt8](repeating: 0, count: 90)) }
    }
    return keys.sorted { $0.lexicographicallyPrecedes($1) }
  }

  private func randomKey(_ generator: inout SeededGenerator) -> [UInt8] {
    let bytes: [UInt8] = [0, 1, 0x61, 0xFE, 0xFF]
    return (0..<Int.random(in: 1...6, using: &generator)).map { _ in
      bytes.randomElement(using: &generator)!
    }
  }

  @Test func `both directions find every key in order`() throws {
    let model = try fill(seed: 1, count: 2000)
    var cursor = try environment.makeReader().makeCursor()
    #expect(try keys(&cursor, cursor.first(), forward: true) == model)
    #expect(try keys(&cursor, cursor.last(), forward: false) == model.reversed())
  }

  @Test(arguments: [2, 3] as [UInt64])
  func `a seek finds the first not below, a backward seek the last below`(seed: UInt64) throws {
    let model = try fill(seed: seed, count: 1000)
    var cursor = try environment.makeReader().makeCursor()
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let bound = randomKey(&generator)
      let above = model.filter { !$0.lexicographicallyPrecedes(bound) }
      let below = model.filter { $0.lexicographicallyPrecedes(bound) }
      #expect(try keys(&cursor, cursor.seek(bound), forward: true).first == above.first)
      #expect(try keys(&cursor, cursor.seekBackward(bound), forward: false).first == below.last)
    }
  }

  @Test func `a bound longer than any key lies where it belongs`() throws {
    let longest = [UInt8](repeating: 0xFF, count: 500)
    try environment.write { transaction throws(StoreError) in
      try transaction.put(.data, longest, [1])
      try transaction.put(.data, [0xFF], [1])
    }
    var cursor = try environment.makeReader().makeCursor()
    let beyond = longest + [0, 0]
    #expect(try !cursor.seek(beyond))
    #expect(try cursor.seekBackward(beyond))
    #expect(cursor.withEntry { key, _ in key.byteCount } == 500)
    let between = longest.dropLast() + [0xFE] + [UInt8](repeating: 0xFF, count: 600)
    #expect(try cursor.seek(Array(between)))
    #expect(cursor.withEntry { key, _ in key.byteCount } == 500)
  }

  @Test func `an empty database has no entry anywhere`() throws {
    var cursor = try environment.makeReader().makeCursor()
    #expect(try !cursor.first())
    #expect(try !cursor.last())
    #expect(try !cursor.seek([1]))
    #expect(try !cursor.seekBackward([1]))
    #expect(try !cursor.next())
    #expect(try !cursor.previous())
  }

  @Test func `beyond either end the cursor is nowhere`() throws {
    _ = try fill(seed: 4, count: 10)
    var cursor = try environment.makeReader().makeCursor()
    #expect(try cursor.last())
    #expect(try !cursor.next())
    #expect(try !cursor.previous())
    #expect(try cursor.first())
    #expect(try !cursor.previous())
    #expect(try !cursor.next())
  }

  @Test func `a cursor sees the new view after its reader is renewed`() throws {
    let reader = try environment.makeReader()
    var cursor = try reader.makeCursor()
    #expect(try !cursor.first())
    let model = try fill(seed: 5, count: 300)
    #expect(try !cursor.first())
    try reader.renew()
    #expect(try keys(&cursor, cursor.first(), forward: true) == model)
  }

  @Test func `deleting under the cursor goes on from where it was, in both directions`() throws {
    let model = try fill(seed: 6, count: 2000)
    for forward in [true, false] {
      // Dropped at the end, so that both directions start from the same keys.
      var transaction = try environment.beginWrite()
      var generator = SeededGenerator(seed: 7)
      var visited: [[UInt8]] = []
      var kept: [[UInt8]] = []
      try transaction.withCursor { cursor throws(StoreError) in
        var isEntry = forward ? try cursor.first() : try cursor.last()
        while isEntry {
          let key = cursor.withEntry { key, _ in Array(copying: key) }
          visited.append(key)
          if Int.random(in: 0..<4, using: &generator) > 0 {
            try cursor.deleteCurrent()
          } else {
            kept.append(key)
          }
          isEntry = forward ? try cursor.next() : try cursor.previous()
        }
        #expect(visited == (forward ? model : model.reversed()))
        #expect(
          try keys(&cursor, cursor.first(), forward: true) == (forward ? kept : kept.reversed()))
      }
    }
  }
}
