import Base
import Testing

@testable import KVData
@testable import KVStore

/// What removes expired entries, where something is damaged or late.
///
/// One damaged value, or one partition that took no more writes, used to end it for the whole store: the same chunk was
/// tried every second, forever.
struct ExpiryPassTests {
  private static let marker = bytes("a value that can be found in the file by its own bytes")

  private func put(
    _ key: [UInt8], _ value: [UInt8] = [1], expiry: UInt64, in fixture: DataFixture
  ) throws {
    try fixture.write { evaluation throws(StoreError) in
      try Records.replace(key.rawSpan, with: value.rawSpan, expiry: expiry, in: &evaluation)
    }
  }

  private func fill(_ fixture: DataFixture, _ count: Int) throws {
    try fixture.write { evaluation throws(StoreError) in
      for number in 0..<count {
        try Records.replace(
          bytes("k\(number)").rawSpan, with: [1].rawSpan, expiry: UInt64(1000 + number),
          in: &evaluation)
      }
    }
  }

  /// Runs a pass to its end; what it has removed and passed over.
  private func runPass(_ fixture: DataFixture) throws -> (removed: UInt64, damaged: UInt64) {
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    var pass = ExpiryPass(fixture.store, reader)
    while try pass.removeChunk() {}
    return (pass.removedCount, pass.damagedCount)
  }

  /// The more of them, the more chunks consist of nothing else.
  @Test(arguments: [1, 70, 150])
  func `damaged values stay, and everything else is removed`(damagedCount: Int) throws {
    let fixture = try DataFixture { $0.partitionCount = 1 }
    for number in 0..<damagedCount {
      try put(bytes("d\(number)"), Self.marker, expiry: UInt64(1 + number), in: fixture)
    }
    try fill(fixture, 200)
    try fixture.reopen { try fixture.damageValues(with: Self.marker, in: 0) }
    let (removed, damaged) = try runPass(fixture)
    #expect(removed == 200)
    #expect(damaged == UInt64(damagedCount))
    // With all in the files damaged values count as well.
    try fixture.store.checkpoint()
    #expect(try fixture.store.countEntries() == damagedCount)
    #expect(try fixture.store.statistics().corruptedReadCount > 0)
  }

  @Test func `a map with a damaged field stays as it is, and keeps nothing else`() throws {
    let fixture = try DataFixture { $0.partitionCount = 1 }
    _ = try fixture.map("map").set([(bytes("f"), [1]), (bytes("g"), Self.marker)])
    try fixture.write { evaluation throws(StoreError) in
      try Records.setExpiry(1, of: bytes("map").rawSpan, in: &evaluation)
    }
    try fill(fixture, 100)
    try fixture.reopen { try fixture.damageValues(with: Self.marker, in: 0) }
    #expect(try runPass(fixture) == (100, 1))
    #expect(try fixture.store.countEntries() == 1)
  }

  /// The clock's record is in partition 0.
  @Test(arguments: [0, 2])
  func `a partition that takes no more writes keeps its entries, and all others lose theirs`(
    partition: Int
  ) throws {
    let fixture = try DataFixture()
    try fill(fixture, 400)
    fixture.makeReadOnly(partition)
    let there = (0..<400).count { fixture.partition(of: bytes("k\($0)")) == partition }
    #expect(try runPass(fixture) == (UInt64(400 - there), 0))
    #expect(try fixture.store.countEntries() == there)
  }

  @Test(arguments: [0, 2])
  func `damaged pages that the walk itself meets end nothing`(partition: Int) throws {
    let fixture = try DataFixture()
    try fill(fixture, 2000)
    try fixture.reopen { try fixture.damageLeaves(of: partition) }
    let there = (0..<2000).count { fixture.partition(of: bytes("k\($0)")) == partition }
    #expect(try runPass(fixture) == (UInt64(2000 - there), 0))
    #expect(fixture.store.readOnlyPartitionCount == 1)
  }

  @Test func `a map whose fields are in a partition that takes no more writes stays alone`() throws
  {
    let fixture = try DataFixture()
    let (old, new) = (fixture.key("old", in: 1), fixture.key("new", in: 2))
    _ = try OrderedMap(at: old, in: fixture.store).set(bytes("f"), [1])
    try fixture.write { evaluation throws(StoreError) in
      _ = try Records.rename(old.rawSpan, to: new.rawSpan, in: &evaluation)
      try Records.setExpiry(1, of: new.rawSpan, in: &evaluation)
    }
    for number in 0..<5 {
      try put(fixture.key("k\(number) ", in: 2), expiry: 5, in: fixture)
    }
    fixture.makeReadOnly(1)
    #expect(try runPass(fixture) == (5, 1))
    #expect(try fixture.store.countEntries() == 1)
  }

  /// An error of the page and not of one entry: the chunk was tried again forever, and nothing that expires later was
  /// removed in any partition.
  @Test(arguments: [false, true])
  func `a map whose fields are on damaged pages stays alone`(isClockReset: Bool) throws {
    let fixture = try DataFixture()
    let (old, new) = (fixture.key("old", in: 1), fixture.key("new", in: 2))
    _ = try OrderedMap(at: old, in: fixture.store).set((0..<300).map { (bytes("f\($0)"), [1]) })
    try fixture.write { evaluation throws(StoreError) in
      _ = try Records.rename(old.rawSpan, to: new.rawSpan, in: &evaluation)
      try Records.setExpiry(1, of: new.rawSpan, in: &evaluation)
    }
    for number in 0..<100 {
      try put(fixture.key("k\(number) ", in: 3), expiry: UInt64(5 + number), in: fixture)
    }
    try fixture.reopen { try fixture.damageLeaves(of: 1) }
    if isClockReset {
      let error = #expect(throws: StoreError.self) { try fixture.store.resetClock() }
      guard case .readOnly = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    } else {
      #expect(try runPass(fixture) == (100, 1))
    }
    #expect(try runPass(fixture) == (0, 1))
    #expect(fixture.store.readOnlyPartitionCount == 1)
  }

  /// A chunk was 64 entries whatever their size, each of which is verified twice while all writers wait.
  @Test func `a chunk ends with the entry that brings it to a mebibyte`() throws {
    let fixture = try DataFixture { $0.memoryByteCount = 32 << 20 }
    for number in 0..<8 {
      try put(
        bytes("k\(number)"), [UInt8](repeating: 1, count: 300 << 10),
        expiry: UInt64(1 + number), in: fixture)
    }
    _ = try fixture.map("map").set(
      (0..<8).map { (bytes("f\($0)"), [UInt8](repeating: 1, count: 300 << 10)) })
    try fixture.write { evaluation throws(StoreError) in
      try Records.setExpiry(9, of: bytes("map").rawSpan, in: &evaluation)
    }
    try put(bytes("last"), expiry: 10, in: fixture)
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    var pass = ExpiryPass(fixture.store, reader, repeatingAfter: nil)
    var removed: [UInt64] = []
    while try pass.removeChunk() { removed.append(pass.removedCount) }
    #expect(removed == [4, 8, 9])
    #expect(pass.removedCount == 10)
    #expect(try fixture.fieldCount() == 0)
  }

  /// An evaluation has one moment from its beginning to its end, and a script may take seconds.
  @Test func `what is put behind the place of the walk is found once it begins again`() throws {
    let fixture = try DataFixture()
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    var once = ExpiryPass(fixture.store, reader, repeatingAfter: nil)
    var again = ExpiryPass(fixture.store, reader, repeatingAfter: .zero)
    try put(bytes("early"), expiry: 5000, in: fixture)
    #expect(try !once.removeChunk())
    try put(bytes("early"), expiry: 5000, in: fixture)
    #expect(try !again.removeChunk())
    try put(bytes("late"), expiry: 1000, in: fixture)
    #expect(try !once.removeChunk())
    #expect(once.removedCount == 1)
    #expect(try !again.removeChunk())
    #expect(again.removedCount == 2)
    #expect(try fixture.store.countEntries() == 0)
  }

  @Test func `the clock is not reset where what has expired cannot be removed`() throws {
    let fixture = try DataFixture()
    try fill(fixture, 100)
    fixture.makeReadOnly(3)
    let there = (0..<100).count { fixture.partition(of: bytes("k\($0)")) == 3 }
    let error = #expect(throws: StoreError.self) { try fixture.store.resetClock() }
    guard case .readOnly = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try fixture.store.countEntries() == there)
  }

  @Test func `resetting the clock tells how many are damaged`() throws {
    let fixture = try DataFixture { $0.partitionCount = 1 }
    try put(bytes("d"), Self.marker, expiry: 1, in: fixture)
    try fill(fixture, 10)
    try fixture.reopen { try fixture.damageValues(with: Self.marker, in: 0) }
    let reset = try fixture.store.resetClock()
    #expect(reset.removedCount == 10)
    #expect(reset.damagedCount == 1)
  }
}
