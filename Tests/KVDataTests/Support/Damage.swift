import Base
import Foundation
import Testing

@testable import KVData
@testable import KVStore

/// Damage to a store's files, made on purpose.
extension DataFixture {
  private func file(_ partition: Int) -> URL {
    URL(fileURLWithPath: path + String(format: "/partition-%04d/data.mdb", partition))
  }

  /// Changes a byte in each value that contains `marker`. LMDB may have left older copies of a page behind.
  func damageValues(with marker: [UInt8], in partition: Int) throws {
    let data = try Data(contentsOf: file(partition))
    var copy = data
    var start = data.startIndex
    while let range = data.range(of: Data(marker), in: start..<data.endIndex) {
      copy[range.lowerBound] ^= 0x20
      start = range.upperBound
    }
    #expect(start > data.startIndex)
    try copy.write(to: file(partition))
  }

  /// Zeroes the headers of all leaf pages with many entries.
  func damageLeaves(of partition: Int) throws {
    var data = try Data(contentsOf: file(partition))
    var count = 0
    for page in 2..<data.count / 4096 {
      let start = page * 4096
      // Flags of a leaf page.
      guard data[start + 10] == 2, data[start + 11] == 0 else { continue }
      let lower = Int(data[start + 12]) | Int(data[start + 13]) << 8
      guard lower > 16 + 2 * 10 else { continue }
      for place in start + 8..<start + 16 { data[place] = 0 }
      count += 1
    }
    #expect(count > 0)
    try data.write(to: file(partition))
  }

  /// From now on a partition takes no more writes.
  func makeReadOnly(_ partition: Int) {
    // LMDB's status MDB_CORRUPTED.
    _ = store.partitionSet.partitions[partition].environment.failure(-30796, "read")
  }

  func partition(of key: [UInt8], in keyspace: Keyspace = .keys) -> Int {
    store.partitionSet.partition(of: EntryAddress(keyspace, key.rawSpan))
  }

  /// The first of `prefix`0, `prefix`1, … that lies in a partition.
  func key(_ prefix: String, in partition: Int) -> [UInt8] {
    (0...).lazy.map { bytes("\(prefix)\($0)") }.first { self.partition(of: $0) == partition }!
  }
}
