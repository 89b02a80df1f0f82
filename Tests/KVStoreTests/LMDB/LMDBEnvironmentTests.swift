import Base
import Glibc
import Testing
import TxnWAL

@testable import KVStore

@Suite struct LMDBEnvironmentTests {
  @Test func `a second open in the same process is refused until the first is closed`() throws {
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    #expect(throws: StoreError.locked(path: fixture.path, holder: "this process")) {
      _ = try fixture.open()
    }
    environment.close()
    environment.close()
    _ = try fixture.open()
  }

  @Test func `a closed environment refuses transactions`() throws {
    let environment = try PartitionFixture().open()
    environment.close()
    #expect(throws: StoreError.closed) { _ = try environment.makeReader() }
    #expect(throws: StoreError.closed) {
      _ = try environment.write { _ in }
    }
  }

  /// The manifest once took the file's length while a transaction was being committed: pages written
  /// and not yet synced counted. Power was lost, the file was shorter, and the store was refused.
  @Test func `what is written behind the last committed page is not durable`() throws {
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    let committed = try environment.makeReader().statistics().fileByteCount
    #expect(truncate(fixture.path, off_t(committed + 3 * 4096)) == 0)
    try environment.write { _ in }
    #expect(environment.durableByteCount > 0)
    #expect(environment.durableByteCount <= UInt64(committed))
  }

  @Test func `nothing that exists is created over`() throws {
    let fixture = try PartitionFixture()
    #expect(throws: StoreError.io(IOError(errno: EEXIST, operation: "create", path: fixture.path)))
    {
      try LMDBFile.create(directory: fixture.directory.path, identity: fixture.identity)
    }
  }

  @Test func `a foreign or swapped partition is refused with both identities`() throws {
    let fixture = try PartitionFixture()
    for other in [
      PartitionIdentity(storeID: fixture.identity.storeID, partitionIndex: 4),
      PartitionIdentity(storeID: StoreID(low: 1, high: 3), partitionIndex: 3),
    ] {
      #expect(
        finding { _ = try fixture.open(identity: other) }
          == Finding(
            file: fixture.path, expected: other.description,
            found: fixture.identity.description))
    }
    _ = try fixture.open()
  }

  @Test func `a full map is told, grown, and then takes the write`() throws {
    let fixture = try PartitionFixture()
    let environment = try fixture.open(mapByteCount: 256 << 10)
    let big = [UInt8](repeating: 1, count: 200 << 10)
    try environment.write { transaction throws(StoreError) in
      try transaction.put(.data, [0], [9])
    }
    let reader = try environment.makeReader()
    reader.reset()
    let error = #expect(throws: StoreError.self) {
      try environment.write { transaction throws(StoreError) in
        try transaction.put(.data, [1], big)
        try transaction.put(.data, [2], big)
      }
    }
    #expect(error?.isMapFull == true)
    #expect(environment.poisoned == nil)
    try environment.growMap()
    try environment.growMap()
    #expect(environment.mapByteCount == 1 << 20)
    try environment.write { transaction throws(StoreError) in
      try transaction.put(.data, [1], big)
      try transaction.put(.data, [2], big)
    }
    try reader.renew()
    #expect(try reader.withValue(of: [0]) { $0!.byteCount } == 1)
    #expect(try reader.withValue(of: [2]) { $0!.byteCount } == big.count)
  }

  @Test func `a map is never smaller than the file`() throws {
    let fixture = try PartitionFixture()
    try fixture.write { transaction throws(StoreError) in
      try transaction.put(.data, [1], [UInt8](repeating: 1, count: 1 << 20))
    }
    let environment = try fixture.open(mapByteCount: 4096)
    #expect(try environment.value(of: [1])?.count == 1 << 20)
  }

  @Test func `a failed sync poisons writes and not reads, a full disk neither`() throws {
    let environment = try PartitionFixture().open()
    #expect(
      environment.failure(ENOSPC, "commit to")
        == .diskFull(IOError(noSpaceTo: "commit to", environment.path)))
    #expect(environment.poisoned == nil)
    _ = environment.failure(EIO, "commit to")
    let refusal = try #require(environment.poisoned)
    #expect(throws: refusal) { try environment.write { _ in } }
    #expect(try environment.value(of: [1]) == nil)
  }

  @Test func `more readers than slots is told`() throws {
    let environment = try PartitionFixture().open()
    var readers: [ReadTransaction] = []
    for _ in 0..<8 { readers.append(try environment.makeReader()) }
    let error = #expect(throws: StoreError.self) { _ = try environment.makeReader() }
    #expect(error == .readersFull(path: environment.path, limit: 8))
    readers.removeLast()
    readers.append(try environment.makeReader())
    #expect(environment.clearStaleReaders() == 0)
  }

  @Test func `statistics count what is there`() throws {
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    try environment.write { transaction throws(StoreError) in
      for index in 0..<1000 {
        try transaction.put(
          .data, Array("key \(index)".utf8), [UInt8](repeating: 0, count: 100))
      }
    }
    try environment.write { transaction throws(StoreError) in
      for index in 0..<900 { try transaction.delete(.data, Array("key \(index)".utf8)) }
    }
    let statistics = try environment.makeReader().statistics()
    #expect(statistics.entryCount == 100)
    #expect(statistics.depth == 2)
    #expect(statistics.freePageCount > 20 && statistics.freePageCount < statistics.pageCount)
    #expect(statistics.fileByteCount == contents(fixture.path).count)
    #expect(statistics.readerSlots == 8 && statistics.readerSlotsUsed == 1)
    #expect(statistics.mapByteCount >= 64 << 30)
  }

  @Test(arguments: [1, 8, 1024])
  func `all partitions' maps fit the address space`(partitionCount: Int) {
    for byteCount in [0, 1 << 30, 1 << 40, UInt64.max] {
      let size = MapSize.preferred(
        fileSystemByteCount: byteCount, partitionCount: partitionCount)
      #expect(size >= 64 << 30)
      #expect(size * partitionCount <= 1 << 46)
    }
  }
}
