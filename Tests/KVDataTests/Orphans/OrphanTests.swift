import Base
import KVData
import Testing

@testable import KVStore

/// Range deletes over maps removed the records and left the fields, which nothing led to any more, forever: a
/// hundred hashes that were deleted by a prefix and made again six times left a file full of them.
struct OrphanTests {
  private func fill(_ fixture: DataFixture, _ count: Int, fields: Int = 3) throws {
    for number in 0..<count {
      let entries = (0..<fields).map { field in
        (field: bytes("f\(field)"), value: [UInt8](repeating: 7, count: 100))
      }
      _ = try fixture.map("m:\(number)").set(entries)
    }
  }

  private func settle(_ fixture: DataFixture) throws {
    try fixture.waitUntilPurged()
    try fixture.removeOrphans()
    try fixture.waitUntilPurged()
  }

  @Test func `what six rounds of range deletes leave is removed, and its pages are used again`()
    throws
  {
    let fixture = try DataFixture()
    var fileByteCount = 0
    for round in 0..<6 {
      try fill(fixture, 40, fields: 40)
      if round % 2 == 0 { try fixture.store.checkpoint() }
      try fixture.store.deletePrefix(bytes("m:"))
      try settle(fixture)
      #expect(try fixture.fieldCount() == 0)
      #expect(try fixture.storedEntryCount() == 0)
      if round == 1 { fileByteCount = try fixture.store.statistics().fileByteCount }
    }
    #expect(try fixture.store.statistics().fileByteCount <= fileByteCount * 3 / 2)
    #expect(try fixture.store.statistics().freePageCount > 0)
  }

  @Test(arguments: [0, 1, 2], [true, false])
  func `it does not matter where records and fields are when the range is deleted`(
    phase: Int, isSealedAfterwards: Bool
  ) throws {
    let fixture = try DataFixture()
    try fill(fixture, 20)
    if phase == 1 { fixture.store.seal() }
    if phase == 2 { try fixture.store.checkpoint() }
    try fixture.store.deletePrefix(bytes("m:"))
    if isSealedAfterwards { fixture.store.seal() }
    // Made again before anything is carried out, once as a map and once as a string.
    _ = try fixture.map("m:1").set(bytes("new"), [1])
    try fixture.store.put(bytes("m:2"), [2])
    try settle(fixture)
    #expect(try fixture.fieldCount() == 1)
    #expect(try fixture.storedEntryCount() == 3)
    #expect(try fixture.map("m:1").contents() == [Entry(field: bytes("new"), value: [1])])
  }

  @Test func `a map deleted and made again several times within one memtable leaves nothing`()
    throws
  {
    let fixture = try DataFixture()
    for round in 0..<5 {
      _ = try fixture.map("m").set(bytes("f\(round)"), [1])
      _ = try fixture.map("m").set(bytes("g"), [2])
      if round < 4 { try fixture.store.deletePrefix(bytes("m")) }
    }
    try fixture.store.checkpoint()
    #expect(try fixture.orphans().count == 4)
    try settle(fixture)
    #expect(try fixture.fieldCount() == 2)
    #expect(try fixture.map("m").count() == 2)
  }

  /// The record that is found under the old name is that of a map which lives.
  @Test(arguments: [0, 1, 2], [true, false])
  func `a map that was renamed out of the range stays`(phase: Int, isReplaced: Bool) throws {
    let fixture = try DataFixture { $0.partitionCount = 8 }
    for number in 0..<20 {
      _ = try fixture.map("m:\(number)").set(bytes("f"), bytes("\(number)"))
      if phase == 2 { try fixture.store.checkpoint() }
      if phase == 1 { fixture.store.seal() }
      _ = try fixture.write { evaluation throws(StoreError) in
        try Records.rename(
          bytes("m:\(number)").rawSpan, to: bytes("n:\(number)").rawSpan, in: &evaluation)
      }
      if isReplaced { try fixture.store.put(bytes("m:\(number)"), [1]) }
    }
    // Hidden in the memtable in which they were renamed, so that it does not write down what is new there.
    try fixture.store.deletePrefix(bytes("m:"))
    try fixture.waitUntilPurged()
    #expect(try fixture.orphans().isEmpty)
    try settle(fixture)
    for number in 0..<20 {
      #expect(
        try fixture.map("n:\(number)").contents()
          == [Entry(field: bytes("f"), value: bytes("\(number)"))])
    }
    #expect(try fixture.storedEntryCount() == 40)
  }

  @Test func `the fields of a renamed map go with its record, from another partition`() throws {
    let fixture = try DataFixture { $0.partitionCount = 8 }
    for number in 0..<20 {
      _ = try fixture.map("m:\(number)").set(bytes("f"), [1])
      _ = try fixture.write { evaluation throws(StoreError) in
        try Records.rename(
          bytes("m:\(number)").rawSpan, to: bytes("n:\(number)").rawSpan, in: &evaluation)
      }
    }
    try fixture.store.deletePrefix(bytes("n:"))
    try settle(fixture)
    #expect(try fixture.storedEntryCount() == 0)
  }

  @Test(arguments: [false, true])
  func `within one batch it counts what came first`(isStored: Bool) throws {
    let fixture = try DataFixture { $0.partitionCount = 8 }
    for name in ["a", "b", "c", "d"] { _ = try fixture.map("m:\(name)").set(bytes("f"), [1]) }
    if isStored { try fixture.store.checkpoint() }
    _ = try fixture.write { evaluation throws(StoreError) in
      func set(_ key: String) throws(StoreError) {
        try evaluation.editMap(at: bytes(key).rawSpan) { map, evaluation throws(StoreError) in
          _ = try map.set(bytes("g").rawSpan, RawSpan(), in: &evaluation)
        }
      }
      // Moved out of the range, changed in it, made in it; and behind it made again, and once as a string.
      _ = try Records.rename(bytes("m:a").rawSpan, to: bytes("n").rawSpan, in: &evaluation)
      try set("m:b")
      try set("m:e")
      try evaluation.deleteRange(.prefix(bytes("m:")))
      try set("m:c")
      try evaluation.put(bytes("m:d").rawSpan, RawSpan())
    }
    try settle(fixture)
    #expect(try fixture.map("n").contents() == [Entry(field: bytes("f"), value: [1])])
    #expect(try fixture.map("m:c").contents() == [Entry(field: bytes("g"), value: [])])
    #expect(try fixture.map("m:b").count() == 0)
    #expect(try fixture.fieldCount() == 2)
    #expect(try fixture.storedEntryCount() == 5)
  }

  @Test func `deleting everything notes nothing, for the fields go with the records`() throws {
    let fixture = try DataFixture()
    try fill(fixture, 20)
    try fixture.store.checkpoint()
    try fill(fixture, 10)
    try fixture.store.deleteRange(.everything)
    try fixture.waitUntilPurged()
    #expect(try fixture.orphans().isEmpty)
    #expect(try fixture.storedEntryCount() == 0)
  }

  @Test func `what has expired in the range leaves nothing either`() throws {
    let fixture = try DataFixture()
    _ = try fixture.map("m").set(bytes("f"), [1])
    _ = try fixture.write { evaluation throws(StoreError) in
      try Records.setExpiry(1, of: bytes("m").rawSpan, in: &evaluation)
    }
    try fixture.store.checkpoint()
    try fixture.store.deletePrefix(bytes("m"))
    try settle(fixture)
    #expect(try fixture.fieldCount() == 0)
  }

  @Test func `large maps go by a range delete each, and many of them wait for those`() throws {
    let fixture = try DataFixture()
    try fill(fixture, 30, fields: 600)
    try fixture.store.deletePrefix(bytes("m:"))
    try settle(fixture)
    #expect(try fixture.storedEntryCount() == 0)
  }

  @Test func `a check finds fields whose record is nowhere, and no others`() throws {
    let fixture = try DataFixture { $0.partitionCount = 8 }
    try fill(fixture, 20)
    for number in 0..<10 {
      _ = try fixture.write { evaluation throws(StoreError) in
        try Records.rename(
          bytes("m:\(number)").rawSpan, to: bytes("n:\(number)").rawSpan, in: &evaluation)
      }
    }
    #expect(try fixture.check().isSound)
    try fixture.store.deletePrefix(bytes("m:1"))
    // With a range delete under way, and with notes.
    #expect(try fixture.check().isSound)
    try fixture.waitUntilPurged()
    #expect(try fixture.check().isSound)
    for orphan in try fixture.orphans().prefix(3) {
      _ = try fixture.write { evaluation throws(StoreError) in try evaluation.delete(orphan) }
    }
    let report = try fixture.check()
    #expect(report.findingCount == 3)
    #expect(report.findings.allSatisfy { $0.contains("the entry that owns") })
  }

  @Test func `a store that never had a map is not looked through for orphans`() throws {
    let fixture = try DataFixture()
    try fixture.store.put(bytes("m"), [1])
    try fixture.store.deletePrefix(bytes("m"))
    try fixture.waitUntilPurged()
    #expect(!fixture.store.partitionSet.presence.mayHoldOwners)
    #expect(fixture.store.takeOrphanSignal())
    #expect(!fixture.store.takeOrphanSignal())
    try fixture.store.deletePrefix(bytes("m"))
    try fixture.waitUntilPurged()
    #expect(!fixture.store.takeOrphanSignal())
  }
}
