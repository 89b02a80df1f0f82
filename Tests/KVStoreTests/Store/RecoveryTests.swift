import Foundation
import Testing

@testable import KVStore

@Suite struct RecoveryTests {
  /// Story: a transaction of many keys brings several sections to one partition. Recovery once sealed a
  /// memtable between two of them; what was applied said that the whole transaction was in LMDB, and
  /// after a second crash the later sections were gone.
  @Test func `a crash after recovery has applied a part loses nothing`() throws {
    let first = try StoreFixture { options in
      options.partitionCount = 8
      options.logByteLimit = 64 << 20
    }
    var expected: [[UInt8]: [UInt8]] = [:]
    for round in 0..<60 {
      var batch = Batch()
      for index in 0..<100 {
        // Every second key in one slot: that partition has a section for each, and most of the bytes.
        let tag = index.isMultiple(of: 2) ? "{one}" : ""
        let key = bytes("\(tag)\(round) \(index)")
        let value = bytes(String(repeating: "v", count: 300))
        try batch.put(key, value)
        expected[key] = value
      }
      try first.store.commit(batch)
    }
    // Less than there is: recovery must make room.
    first.options.forcedMemtableByteCount = 1 << 20
    let second = try first.crashImage()
    #expect(try second.contents() == expected)
    while try second.store.statistics().sealedMemtableCount > 0 { usleep(1000) }
    #expect(second.store.partitionSet.partitions.contains { $0.applied > $0.appliedLSNAtOpen })
    let third = try second.crashImage()
    #expect(try third.contents() == expected)
  }

  @Test func `what was in memory when the process ended needs no room made for it`() throws {
    let fixture = try StoreFixture { $0.logByteLimit = 64 << 20 }
    let value = [UInt8](repeating: 7, count: 1000)
    for round in 0..<30 {
      var batch = Batch()
      for place in 0..<100 { try batch.put(bytes("\(round) \(place)"), value) }
      try fixture.store.commit(batch)
    }
    #expect(try fixture.store.statistics().storedEntryCount == 0)
    let image = try fixture.crashImage()
    #expect(try image.store.countEntries() == 3000)
    #expect(image.store.partitionSet.partitions.allSatisfy { $0.applied == $0.appliedLSNAtOpen })
  }

  @Test(arguments: [1, 2, 5])
  func `recovery with less memory than was in use stays within it`(megabytes: Int) throws {
    let fixture = try StoreFixture {
      $0.memoryByteCount = 32 << 20
      $0.logByteLimit = 64 << 20
    }
    let value = [UInt8](repeating: 7, count: 1000)
    for round in 0..<160 {
      var batch = Batch()
      for place in 0..<100 { try batch.put(bytes("\(round) \(place)"), value) }
      try fixture.store.commit(batch)
    }
    fixture.options.forcedMemtableByteCount = megabytes << 20
    let files = try fixture.crashFiles()
    let image = try StoreFixture(opening: files, options: fixture.options)
    #expect(try image.store.countEntries() == 16_000)
    let statistics = try image.store.statistics()
    let inUse = statistics.activeMemtableByteCount + statistics.sealedMemtableByteCount
    #expect(inUse <= statistics.memtableByteLimit / 8 * 9)
    #expect(statistics.storedEntryCount > 0)
  }
}
