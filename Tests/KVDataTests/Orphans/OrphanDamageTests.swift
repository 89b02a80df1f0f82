import Base
import Testing
import TxnWAL

@testable import KVData
@testable import KVStore

/// Notes of orphans that cannot be seen to, and all others, which used to wait behind them forever.
struct OrphanDamageTests {
  private static let marker = bytes("a value that can be found in the file by its own bytes")

  /// Goes on until there is nothing more to do at the moment.
  private func walk(_ fixture: DataFixture) throws -> OrphanRemoval.Outcome {
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    var removal = OrphanRemoval(fixture.store)
    while true {
      let outcome = try removal.removePortion(reader)
      if outcome != .more { return outcome }
    }
  }

  /// Notes of 24 maps in all partitions, of which half have their fields in another partition than their notes.
  private func orphaned(_ fixture: DataFixture, fields: Int) throws {
    for number in 0..<24 {
      let old = bytes("o:\(number)")
      let map = OrderedMap(at: old, in: fixture.store)
      _ = try map.set((0..<fields).map { (bytes("f\($0)"), [1]) })
      guard number % 2 == 0 else { continue }
      try fixture.write { evaluation throws(StoreError) in
        _ = try Records.rename(old.rawSpan, to: bytes("n:\(number)").rawSpan, in: &evaluation)
      }
    }
    try fixture.store.deletePrefix(bytes("o:"))
    try fixture.store.deletePrefix(bytes("n:"))
    try fixture.waitUntilPurged()
    #expect(try fixture.orphans().count == 24)
  }

  private func fieldPartition(_ orphan: Orphan, _ fixture: DataFixture) -> Int {
    fixture.partition(of: orphan.owned.lower, in: .owned)
  }

  @Test(arguments: [0, 3])
  func `a partition that takes no more writes keeps its own, and no others`(partition: Int) throws {
    let fixture = try DataFixture()
    try orphaned(fixture, fields: 3)
    let stuck = try fixture.orphans().filter {
      fixture.partition(of: $0.key, in: .orphans) == partition
        || fieldPartition($0, fixture) == partition
    }
    #expect(!stuck.isEmpty && stuck.count < 24)
    fixture.makeReadOnly(partition)
    #expect(try walk(fixture) == .atEnd)
    #expect(try fixture.fieldCount() == 3 * stuck.count)
  }

  @Test func `a damaged field keeps its own map's note, and no others`() throws {
    let fixture = try DataFixture { $0.partitionCount = 1 }
    for number in 0..<10 {
      _ = try fixture.map("m:\(number)").set(bytes("f"), number == 4 ? Self.marker : [1])
    }
    try fixture.store.deletePrefix(bytes("m:"))
    try fixture.waitUntilPurged()
    try fixture.reopen { try fixture.damageValues(with: Self.marker, in: 0) }
    let before = try fixture.orphans().count
    #expect(before == 10)
    #expect(try walk(fixture) == .atEnd)
    let left = try fixture.orphans().count
    #expect(left == 1)
  }

  /// The limit looked at the most of any partition, also of one in which none is carried out any more.
  @Test(arguments: [false, true])
  func `large maps wait for the range deletes of their own partition alone`(isDamaged: Bool) throws
  {
    let fixture = try DataFixture { $0.memoryByteCount = 32 << 20 }
    let store = fixture.store
    try orphaned(fixture, fields: 520)
    let busy = try fixture.orphans().filter { fieldPartition($0, fixture) == 1 }
    let notes = try fixture.orphans().filter { fixture.partition(of: $0.key, in: .orphans) == 1 }
    // Keeps the file of partition 1 from being written.
    let transaction = try store.partitionSet.partitions[1].environment.beginWrite()
    let key = fixture.key("x", in: 1)
    for number in 0..<70 {
      try fixture.write { evaluation throws(StoreError) in
        try evaluation.deleteRange(
          .prefix(key + bytes(" \(number)")), in: .keys, ofPartitionOf: key.rawSpan)
      }
    }
    if isDamaged { fixture.makeReadOnly(1) }
    #expect(store.rangeDeleteCount(inPartitionOf: key.rawSpan, in: .keys) >= 64)
    #expect(try walk(fixture) == (isDamaged ? .atEnd : .mustWait))
    _ = consume transaction
    let left = try fixture.orphans()
    if isDamaged {
      let kept = Set((busy + notes).map(\.key))
      #expect(left.allSatisfy { kept.contains($0.key) })
    } else {
      #expect(Set(left.map(\.key)) == Set(busy.map(\.key)))
      try fixture.removeOrphans()
      try fixture.waitUntilPurged()
      #expect(try fixture.orphans().isEmpty)
      #expect(try fixture.storedEntryCount() == 0)
    }
  }
}
