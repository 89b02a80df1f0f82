import Base
import Synchronization
import Testing

@testable import KVStore

/// Batches put one stamp on many keys in all partitions, over and over; no reader ever sees two.
@Suite struct ConsistentCutTests {
  private static let keys = (0..<24).map { bytes("stamp \($0)") }

  private static func rewrite(
    _ store: Store, _ stamp: Int, deleting: Bool
  ) throws(StoreError) {
    var batch = Batch()
    if deleting { try batch.deletePrefix(bytes("stamp")) }
    for key in keys { try batch.put(key, bytes("\(stamp)")) }
    try store.commit(batch)
  }

  private static func checkValues(_ reader: Reader) throws {
    var joined: [UInt8] = []
    var places: [Range<Int>] = []
    for key in keys {
      places.append(joined.count..<joined.count + key.count)
      joined += key
    }
    var found: [[UInt8]?] = []
    try reader.withValues(of: places, in: joined.rawSpan) { _, value in
      found.append(copy(value))
    }
    #expect(found.count == keys.count)
    #expect(Set(found).count == 1 && found[0] != nil, "one cut: \(found)")
  }

  private static func checkScan(_ reader: Reader, reverse: Bool) throws {
    var stamps: [[UInt8]] = []
    try reader.scan(.prefix(bytes("stamp")), reverse: reverse) { _, value in
      stamps.append(Array(copying: value))
      return true
    }
    #expect(stamps.count == keys.count && Set(stamps).count == 1, "one cut: \(stamps)")
  }

  private static func checkSnapshot(_ store: Store) throws {
    let snapshot = try store.snapshot()
    defer { snapshot.close() }
    var stamps: Set<[UInt8]?> = []
    for key in keys { stamps.insert(try snapshot.get(key)) }
    #expect(stamps.count == 1 && !stamps.contains(nil))
    #expect(try snapshot.countEntries() == keys.count)
  }

  @Test(arguments: [false, true])
  func `all keys of a stamped batch carry the same stamp, in every kind of read`(
    deleting: Bool
  ) throws {
    let fixture = try StoreFixture { $0.applyThreadCount = 2 }
    let store = fixture.store
    try Self.rewrite(store, 0, deleting: false)
    let writersLeft = Atomic<Int>(2)
    try inThreads(6) { index in
      switch index {
      case 0, 1:
        defer { writersLeft.subtract(1, ordering: .releasing) }
        for round in 0..<150 { try Self.rewrite(store, index + round * 2, deleting: deleting) }
      case 2:
        while writersLeft.load(ordering: .acquiring) > 0 { store.seal() }
      case 3:
        while writersLeft.load(ordering: .acquiring) > 0 { try Self.checkSnapshot(store) }
      default:
        let reader = store.makeReader()
        while writersLeft.load(ordering: .acquiring) > 0 {
          try Self.checkValues(reader)
          try Self.checkScan(reader, reverse: index == 5)
          // One reader lets go between reads, the other keeps its views for long.
          if index == 4 || UInt8.random(in: 0..<16) == 0 { reader.end() }
        }
        reader.close()
      }
    }
  }

  /// Range deletes let apply leave out what they hide, so layers taken late lack what a sequence taken early has.
  @Test(arguments: [false, true])
  func `a reader of single keys never goes back to an older value, nor finds nothing`(
    deleting: Bool
  ) throws {
    let fixture = try StoreFixture { $0.applyThreadCount = 2 }
    let store = fixture.store
    try Self.rewrite(store, 10_000, deleting: false)
    let isDone = Flag()
    try inThreads(4) { index in
      switch index {
      case 0:
        defer { isDone.raise() }
        for round in 1...400 { try Self.rewrite(store, 10_000 + round, deleting: deleting) }
      case 1: while !isDone.isRaised { store.seal() }
      default:
        let reader = store.makeReader()
        defer { reader.close() }
        var newest: [UInt8] = []
        var newestSequence: UInt64 = 0
        while !isDone.isRaised {
          for key in Self.keys {
            let value = try reader.withValue(of: key.rawSpan) { copy($0) } ?? []
            #expect(!value.lexicographicallyPrecedes(newest))
            newest = value
            let sequence = try reader.sequence(of: key.rawSpan)
            #expect(sequence >= newestSequence)
            newestSequence = sequence
          }
          if index == 2 { reader.end() }
        }
      }
    }
  }

  @Test func `a reader that has ended holds no view of LMDB, however it got there`() throws {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    let store = fixture.store
    try store.put(bytes("below"), [1])
    try store.checkpoint()
    let reader = store.makeReader()
    #expect(try reader.value("below") == [1])
    try store.put(bytes("above"), [2])
    store.seal()
    #expect(try reader.value("above") == [2])
    reader.end()
    // With no view left, pages that are freed are used again and the file stays as long as it is.
    try store.checkpoint()
    func churn() throws -> Int {
      for round in 0..<40 {
        try store.put(bytes("below"), Array(repeating: UInt8(round), count: 100_000))
        try store.checkpoint()
      }
      return try store.statistics().fileByteCount
    }
    let before = try churn()
    #expect(try churn() == before)
    reader.close()
  }
}

extension Batch {
  mutating func deletePrefix(_ prefix: [UInt8]) throws(StoreError) {
    try deleteRange(.prefix(prefix))
  }
}
