import Base
import Testing

@testable import KVStore

/// The walk through LMDB's pages against LMDB's own cursor.
@Suite struct FileWalkTests {
  private struct Entry: Equatable {
    let key: [UInt8]
    let value: [UInt8]
  }

  /// What is found in users' keyspace from `bound` on, or backward before it; nil is either end.
  private func walked(
    _ reader: ReadTransaction, from bound: [UInt8]?, backward: Bool, limit: Int = .max
  ) throws -> [Entry] {
    var walk = try FileWalk(reader, in: .keys)
    var found: [Entry] = []
    let start = bound.map { [0] + $0 } ?? [backward ? 1 : 0]
    var isEntry = try backward ? walk.seekBackward(start.rawSpan) : walk.seek(start.rawSpan)
    while isEntry, found.count < limit {
      let leaf = try #require(walk.leaf, "walked in the map")
      found.append(
        leaf.entry.withBytes { Entry(key: Array(copying: $0), value: Array(copying: $1)) })
      isEntry = try walk.move(from: leaf, backward: backward)
    }
    return found
  }

  /// The same by LMDB's cursor.
  private func expected(
    _ reader: ReadTransaction, from bound: [UInt8]?, backward: Bool
  ) throws -> [Entry] {
    var cursor = try reader.makeCursor()
    var found: [Entry] = []
    let start = bound.map { [0] + $0 } ?? [backward ? 1 : 0]
    var isEntry = try backward ? cursor.seekBackward(start.rawSpan) : cursor.seek(start.rawSpan)
    while isEntry {
      found.append(
        cursor.withEntry {
          Entry(key: Array(copying: $0.extracting(droppingFirst: 1)), value: Array(copying: $1))
        })
      isEntry = try backward ? cursor.previous() : cursor.next()
    }
    return found
  }

  @Test func `a walk finds what LMDB's cursor finds, from every bound and in both directions`()
    throws
  {
    var random = SeededGenerator(seed: testSeed())
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    let reader = try environment.makeReader()
    for backward in [false, true] {
      #expect(try walked(reader, from: nil, backward: backward).isEmpty, "an empty tree")
      #expect(try walked(reader, from: [1], backward: backward).isEmpty, "an empty tree")
    }
    var model: [[UInt8]: [UInt8]] = [:]
    for count in [1, 1, 2, 5, 20, 100, 400, 1000, 1000, 1000] {
      try RandomTree.change(environment, &model, count: count, &random)
      try reader.renew()
      let whole = try walked(reader, from: nil, backward: false)
      #expect(whole.map(\.key) == model.keys.sorted { $0.rawSpan.isBefore($1.rawSpan) })
      #expect(whole.allSatisfy { model[$0.key] == $0.value })
      #expect(try walked(reader, from: nil, backward: true) == whole.reversed())
      for _ in 0..<6 {
        let bound = RandomTree.key(&random)
        for backward in [false, true] {
          #expect(
            try walked(reader, from: bound, backward: backward)
              == expected(reader, from: bound, backward: backward))
        }
      }
    }
    #expect(try reader.statistics().depth > 2)
    try environment.write { transaction throws(StoreError) in
      for key in model.keys { try transaction.delete(.data, [0] + key) }
    }
    try reader.renew()
    #expect(try walked(reader, from: nil, backward: false).isEmpty, "emptied")
  }

  @Test func `a walk of a view stays as it was while others write`() throws {
    var random = SeededGenerator(seed: testSeed())
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    var model: [[UInt8]: [UInt8]] = [:]
    try RandomTree.change(environment, &model, count: 500, &random)
    let reader = try environment.makeReader()
    let before = try walked(reader, from: nil, backward: false)
    for _ in 0..<20 { try RandomTree.change(environment, &model, count: 200, &random) }
    #expect(try walked(reader, from: nil, backward: false) == before)
    try reader.renew()
    #expect(try walked(reader, from: nil, backward: false).count == model.count)
  }

  @Test func `a walk over pages with changed bytes finds entries or an error, and ends`() throws {
    var random = SeededGenerator(seed: testSeed())
    let fixture = try PartitionFixture()
    var model: [[UInt8]: [UInt8]] = [:]
    try RandomTree.change(try fixture.open(), &model, count: 2000, &random)
    let sound = contents(fixture.path)
    var damagedCount = 0
    for _ in 0..<150 {
      write(RandomTree.damaged(sound, &random), to: fixture.path)
      guard let environment = try? fixture.open(), let reader = try? environment.makeReader(),
        reader.mappedTree != nil
      else { continue }
      for backward in [false, true] {
        let bound = Bool.random(using: &random) ? RandomTree.key(&random) : nil
        do {
          // A branch that leads to another's children shows them twice.
          _ = try walked(reader, from: bound, backward: backward, limit: 20_000)
        } catch StoreError.corrupted {
          damagedCount += 1
          #expect(environment.isDamaged)
        }
      }
    }
    #expect(damagedCount > 0)
  }
}
