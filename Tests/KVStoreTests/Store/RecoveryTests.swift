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
    let second = try first.crashImage()
    #expect(try second.contents() == expected)
    while try second.store.statistics().sealedMemtableCount > 0 { usleep(1000) }
    #expect(second.store.keyspace.partitions.contains { $0.applied > $0.appliedLSNAtOpen })
    let third = try second.crashImage()
    #expect(try third.contents() == expected)
  }
}
