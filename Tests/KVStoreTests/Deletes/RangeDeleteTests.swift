import Base
import Glibc
import Testing

@testable import KVStore

/// Range deletes in every phase: in memory, on the way down, in LMDB, being carried out, done.
@Suite struct RangeDeleteTests {
  private enum Phase: CaseIterable { case active, sealed, stored }

  private static func key(_ number: Int) -> [UInt8] { bytes("k\(10_000 + number)") }

  private static func range(_ numbers: Range<Int>) -> KeyRange {
    KeyRange(from: key(numbers.lowerBound), to: key(numbers.upperBound))
  }

  private func fill(_ store: Store, _ numbers: Range<Int>, _ value: String = "old") throws {
    var batch = Batch()
    for number in numbers { try batch.put(Self.key(number), bytes(value)) }
    try store.commit(batch)
  }

  private func bring(_ store: Store, to phase: Phase) throws {
    switch phase {
    case .active: break
    case .sealed: store.seal()
    case .stored: try store.checkpoint()
    }
  }

  /// Checks now, carried out, and opened again.
  private func check(
    _ fixture: StoreFixture, _ expected: [[UInt8]: [UInt8]],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    func look() throws {
      #expect(try fixture.contents() == expected, sourceLocation: sourceLocation)
      #expect(
        try fixture.store.countEntries() == expected.count, sourceLocation: sourceLocation)
      for number in stride(from: 0, to: 100, by: 7) {
        let key = Self.key(number)
        #expect(try fixture.store.get(key) == expected[key], sourceLocation: sourceLocation)
      }
    }
    try look()
    try fixture.store.waitUntilPurged()
    try look()
    #expect(try fixture.store.statistics().storedEntryCount == expected.count)
    try fixture.reopen()
    try look()
  }

  @Test(arguments: [0, 1, 2], [0, 1, 2])
  func `what is older goes and what is newer stays, wherever both are`(
    before: Int, after: Int
  ) throws {
    let fixture = try StoreFixture()
    try fill(fixture.store, 0..<100)
    try bring(fixture.store, to: Phase.allCases[before])
    try fixture.store.deleteRange(Self.range(20..<80))
    try bring(fixture.store, to: Phase.allCases[after])
    try fill(fixture.store, 40..<50, "new")
    var expected: [[UInt8]: [UInt8]] = [:]
    for number in 0..<100 where !(20..<80).contains(number) {
      expected[Self.key(number)] = bytes("old")
    }
    for number in 40..<50 { expected[Self.key(number)] = bytes("new") }
    try check(fixture, expected)
  }

  @Test func `overlapping and nested range deletes add up`() throws {
    let fixture = try StoreFixture()
    try fill(fixture.store, 0..<100)
    try fixture.store.checkpoint()
    try fixture.store.deleteRange(Self.range(10..<50))
    try fixture.store.deleteRange(Self.range(20..<30))
    try fill(fixture.store, 25..<35, "new")
    try fixture.store.deleteRange(Self.range(30..<70))
    var expected: [[UInt8]: [UInt8]] = [:]
    for number in 0..<100 where !(10..<70).contains(number) {
      expected[Self.key(number)] = bytes("old")
    }
    for number in 25..<30 { expected[Self.key(number)] = bytes("new") }
    try check(fixture, expected)
  }

  /// They were stored under the sequence that they share, so that only the last one was carried out,
  /// and the keys of the others came back.
  @Test func `every range delete of one batch is carried out`() throws {
    let fixture = try StoreFixture()
    try fill(fixture.store, 0..<100)
    try fixture.store.checkpoint()
    var batch = Batch()
    try batch.deleteRange(Self.range(0..<30))
    try batch.put(Self.key(10), bytes("new"))
    try batch.deleteRange(Self.range(40..<60))
    try batch.deleteRange(Self.range(70..<100))
    try fixture.store.commit(batch)
    var expected = [Self.key(10): bytes("new")]
    for number in Array(30..<40) + Array(60..<70) { expected[Self.key(number)] = bytes("old") }
    try check(fixture, expected)
  }

  @Test func `an empty range delete writes nothing`() throws {
    let fixture = try StoreFixture()
    try fill(fixture.store, 0..<10)
    let appended = fixture.store.coordinator.appended
    try fixture.store.deleteRange(KeyRange(from: [2], to: [1]))
    try fixture.store.deleteRange(KeyRange(from: [2], to: [2]))
    #expect(fixture.store.coordinator.appended == appended)
    #expect(try fixture.store.countEntries() == 10)
  }

  @Test func `removal goes on where it was after closing in the middle`() throws {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    try fill(fixture.store, 0..<20_000)
    try fixture.store.checkpoint()
    try fixture.store.deleteRange(Self.range(5..<20_000))
    // Closing carries the range delete down and gives its removal hardly any time.
    try fixture.reopen()
    try fill(fixture.store, 10..<12, "new")
    #expect(try fixture.store.countEntries() == 7)
    try fixture.reopen()
    #expect(try fixture.store.countEntries() == 7)
    try fixture.store.waitUntilPurged()
    #expect(try fixture.store.statistics().storedEntryCount == 7)
    #expect(try fixture.store.get(Self.key(11)) == bytes("new"))
    #expect(try fixture.store.get(Self.key(13)) == nil)
  }

  @Test func `a chunk stores its place, and the next one goes on from there`() throws {
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    let partition = try fixture.partition(of: environment)
    let tombstone = RangeTombstone(sequence: 5, lsn: 0, lower: Self.key(0), upper: nil)
    try environment.write { transaction throws(StoreError) in
      for number in 0..<20_000 {
        let sequence: SequenceNumber = number % 100 == 0 ? 9 : 3
        let key = [0] + Self.key(number)
        try transaction.reserve(key.rawSpan, byteCount: StoredValue.headerByteCount) {
          StoredValue.encode(
            StoredValue.Header(sequence: sequence), storedKey: key.rawSpan, value: RawSpan(),
            seed: environment.checksumSeed, into: &$0)
        }
      }
      try transaction.setTombstone(tombstone)
    }
    var positions: [[UInt8]] = []
    var group: PurgeGroup?
    while true {
      switch try PurgeChunk(partition: partition).run(group) {
      case .nothing: Issue.record("the range delete is gone")
      case .paused(let paused):
        // Every other chunk goes on as after a crash, from what is stored.
        group = positions.count % 2 == 0 ? paused : nil
        let left = try #require(try environment.makeReader().tombstones().first)
        positions.append(try #require(left.position))
        continue
      case .finished(let last): #expect(last == tombstone.id)
      }
      #expect(try environment.makeReader().tombstones().isEmpty)
      break
    }
    #expect(positions.count >= 2)
    #expect(zip(positions, positions.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
    #expect(try environment.makeReader().entryCount() == 200)
    partition.close()
  }

  /// Apply writes a memtable's range deletes with its last transaction, and drops the memtable after that.
  @Test func `a range delete stays until the memtable that it came with is dropped`() throws {
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    let partition = try fixture.partition(of: environment)
    let dropped = RangeTombstone(sequence: 5, lsn: 0, lower: Self.key(0), upper: nil)
    let undropped = RangeTombstone(sequence: 7, lsn: 8, lower: Self.key(0), upper: nil)
    try environment.write { transaction throws(StoreError) in
      try transaction.setTombstone(dropped)
      try transaction.setTombstone(undropped)
    }
    guard case .finished(dropped.id) = try PurgeChunk(partition: partition).run(nil) else {
      Issue.record("another range delete was carried out")
      return
    }
    guard case .nothing = try PurgeChunk(partition: partition).run(nil) else {
      Issue.record("a range delete was carried out before its memtable was dropped")
      return
    }
    #expect(try environment.makeReader().tombstones() == [undropped])
    partition.close()
  }

  @Test func `a snapshot from before keeps what is removed below it`() throws {
    let fixture = try StoreFixture()
    try fill(fixture.store, 0..<100)
    try fixture.store.checkpoint()
    let snapshot = try fixture.store.snapshot()
    try fixture.store.deleteRange(.everything)
    let between = try fixture.store.snapshot()
    try fixture.store.waitUntilPurged()
    try fill(fixture.store, 0..<3, "new")
    try fixture.store.checkpoint()
    #expect(try snapshot.countEntries() == 100)
    #expect(try snapshot.get(Self.key(1)) == bytes("old"))
    #expect(try between.countEntries() == 0)
    #expect(try fixture.store.countEntries() == 3)
    snapshot.close()
    between.close()
  }

  @Test(arguments: [1, 4])
  func `thousands of small range deletes go through`(partitionCount: Int) throws {
    let fixture = try StoreFixture { $0.partitionCount = partitionCount }
    let store = fixture.store
    try fill(store, 0..<2000)
    try store.checkpoint()
    var receipt: Receipt?
    for number in 0..<2000 where number % 10 != 0 {
      receipt = try store.admitAndEvaluate(byteCount: 0, onlyDeletes: true) {
        evaluation throws(StoreError) in
        try evaluation.deleteRange(Self.range(number..<number + 1))
      }.receipt
    }
    try store.waitUntilDurable(try #require(receipt))
    #expect(try store.countEntries() == 200)
    try store.waitUntilPurged()
    #expect(try store.statistics().storedEntryCount == 200)
  }

  /// Writers wait while a partition has a thousand range deletes; nothing sealed these, so that nothing
  /// carried them out.
  @Test func `a batch of more range deletes than may gather does not stop the next one`() throws {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    try fill(fixture.store, 0..<2000)
    var batch = Batch()
    for number in 0..<1500 { try batch.deleteRange(Self.range(number..<number + 1)) }
    try fixture.store.commit(batch)
    try fill(fixture.store, 0..<1, "new")
    #expect(try fixture.store.countEntries() == 501)
  }

  /// As above, for range deletes that recovery brings back.
  @Test func `more range deletes than may gather do not stop a store that is opened`() async throws
  {
    let directory = TemporaryDirectory()
    let path = directory.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      var options = StoreOptions()
      options.partitionCount = 1
      let store = try Store.open(at: path, options: options)
      var batch = Batch()
      for number in 0..<1500 { try batch.deleteRange(KeyRange(from: bytes("\(number)"))) }
      let end = try store.evaluate { evaluation throws(StoreError) in
        try evaluation.add(batch)
      }.receipt
      // Killed before they are sealed and carried out, or after: both must open.
      try store.waitUntilDurable(end)
      kill(getpid(), SIGKILL)
    }
    let store = try Store.open(at: path)
    try store.put(bytes("k"), [])
    #expect(try store.countEntries() == 1)
    try store.close()
  }
}
