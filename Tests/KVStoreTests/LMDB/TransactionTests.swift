import Testing

@testable import KVStore

@Suite struct TransactionTests {
  private let fixture: PartitionFixture
  private let environment: LMDBEnvironment

  init() throws {
    fixture = try PartitionFixture()
    environment = try fixture.open()
  }

  @Test(
    arguments: [
      [0], [0, 0], [0xFF], Array(repeating: 0xFF, count: 509), Array("text".utf8),
    ] as [[UInt8]])
  func `any stored key of 1 to 509 bytes has its own value`(key: [UInt8]) throws {
    try environment.write { transaction throws(StoreError) in
      try transaction.put(.data, key, [1, 2, 3])
      try transaction.put(.data, Array("other".utf8), [4])
    }
    #expect(try environment.value(of: key) == [1, 2, 3])
    try environment.write { transaction throws(StoreError) in
      #expect(try transaction.delete(.data, key))
      #expect(try !transaction.delete(.data, key))
    }
    #expect(try environment.value(of: key) == nil)
    #expect(try environment.value(of: Array("other".utf8)) == [4])
  }

  @Test func `a stored key of 510 bytes is refused everywhere`() throws {
    let key = [UInt8](repeating: 1, count: 510)
    let refusal = StoreError.keyTooLong(byteCount: 509, limit: 508)
    #expect(throws: refusal) { _ = try environment.value(of: key) }
    #expect(throws: refusal) {
      try environment.write { transaction throws(StoreError) in
        try transaction.put(.data, key, [])
      }
    }
    #expect(throws: refusal) {
      try environment.write { transaction throws(StoreError) in
        try transaction.delete(.data, key)
      }
    }
  }

  @Test func `a transaction that is dropped leaves nothing`() throws {
    do {
      var transaction = try environment.beginWrite()
      try transaction.put(.data, [1], [1])
    }
    #expect(try environment.value(of: [1]) == nil)
    try environment.write { transaction throws(StoreError) in
      try transaction.put(.data, [2], [2])
    }
    #expect(try environment.value(of: [1]) == nil)
  }

  @Test func `what is committed is there after opening again`() throws {
    try environment.write { transaction throws(StoreError) in
      try transaction.put(.data, [7], [8])
      try transaction.setAppliedState(AppliedState(lsn: 5, sequence: 6))
    }
    environment.close()
    let again = try fixture.open()
    #expect(try again.value(of: [7]) == [8])
    #expect(try again.makeReader().appliedState() == AppliedState(lsn: 5, sequence: 6))
  }

  @Test func `a new partition has applied nothing`() throws {
    #expect(try environment.makeReader().appliedState() == AppliedState(lsn: 0, sequence: 0))
    #expect(try environment.makeReader().entryCount() == 0)
  }

  @Test func `a reader keeps its view until it is renewed`() throws {
    let reader = try environment.makeReader()
    try environment.write { transaction throws(StoreError) in
      try transaction.put(.data, [1], [1])
    }
    #expect(try reader.withValue(of: [1]) { $0 == nil })
    reader.reset()
    try reader.renew()
    #expect(try reader.withValue(of: [1]) { $0 != nil })
  }

  @Test func `a writer sees its own writes`() throws {
    try environment.write { transaction throws(StoreError) in
      try transaction.put(.data, [1], [1])
      let value = try transaction.withValue(of: [UInt8]([1]).span.bytes) { copy($0) }
      #expect(value == [1])
    }
  }

  @Test(arguments: [0, 1, 4096, 64 << 20])
  func `a value of any size is read back as it was reserved and filled`(byteCount: Int) throws {
    let key: [UInt8] = [1]
    let stored = StoredValue.headerByteCount + byteCount
    try environment.write { transaction throws(StoreError) in
      try transaction.reserve(key.span.bytes, byteCount: stored) { room in
        let value = [UInt8](repeating: 0xA5, count: byteCount)
        StoredValue.encode(
          StoredValue.Header(sequence: 1), storedKey: key.span.bytes, value: value.span.bytes,
          seed: 3,
          into: &room)
      }
    }
    let header = try environment.makeReader().withValue(of: key) { bytes throws(StoreError) in
      #expect(bytes!.byteCount == stored)
      return try StoredValue.decode(
        bytes!, at: EntryAddress(storedAs: key.span.bytes), seed: 3, file: "f")
    }
    #expect(header == StoredValue.Header(sequence: 1))
  }

  @Test func `the databases do not see each other's keys`() throws {
    try environment.write { transaction throws(StoreError) in
      for database in Database.allCases {
        try transaction.put(database, Array("k".utf8), [UInt8(database.rawValue)])
      }
    }
    for database in Database.allCases {
      let value = try environment.value(of: Array("k".utf8), in: database)
      #expect(value == [UInt8(database.rawValue)])
    }
  }

  @Test func `tombstones come back oldest first until they are removed`() throws {
    let tombstones = ([300, 2, 70_000] as [SequenceNumber]).map {
      RangeTombstone(sequence: $0, lsn: $0 * 10, lower: [1], upper: nil, position: nil)
    }
    try environment.write { transaction throws(StoreError) in
      for tombstone in tombstones { try transaction.setTombstone(tombstone) }
    }
    #expect(try environment.makeReader().tombstones().map(\.sequence) == [2, 300, 70_000])
    var advanced = tombstones[0]
    advanced.position = [9]
    try environment.write { transaction throws(StoreError) in
      try transaction.setTombstone(advanced)
      try transaction.removeTombstone(RangeTombstone.ID(sequence: 2))
    }
    #expect(try environment.makeReader().tombstones() == [advanced, tombstones[2]])
  }
}
