import Base
import Glibc
import Testing

@testable import KVStore

/// Very many range deletes: what bounds them, who waits for them, and that nothing costs more than their number.
///
/// Each one used to copy the list of all before it, in every partition, under the sequencer's lock: a batch of
/// 30,000 stopped all writers for minutes, and so did recovery after a kill.
@Suite struct ManyRangeDeletesTests {
  private static func key(_ number: Int) -> [UInt8] { bytes("k\(100_000 + number)") }

  private static func range(_ number: Int) -> KeyRange { .prefix(key(number)) }

  /// LMDB's status MDB_CORRUPTED.
  private let mdbCorrupted: Int32 = -30796

  private func fill(_ store: Store, _ numbers: Range<Int>) throws {
    var batch = Batch()
    for number in numbers { try batch.put(Self.key(number), bytes("old")) }
    try store.commit(batch)
  }

  private func deletes(_ numbers: Range<Int>) throws -> Batch {
    var batch = Batch()
    for number in numbers { try batch.deleteRange(Self.range(number)) }
    return batch
  }

  // MARK: Limits

  @Test(arguments: [1, 4, 16])
  func `a batch of as many as allowed is carried out, of one more refused`(
    partitionCount: Int
  ) throws {
    let fixture = try StoreFixture { $0.partitionCount = partitionCount }
    let store = fixture.store
    let limit = 8192 / partitionCount
    #expect(Limits.rangeDeletesPerBatch(partitionCount: partitionCount) == limit)
    try fill(store, 0..<limit + 2)
    let appended = store.coordinator.appended
    #expect(throws: StoreError.tooManyRangeDeletes(limit: limit)) {
      try store.commit(deletes(0..<limit + 1))
    }
    #expect(throws: StoreError.tooManyRangeDeletes(limit: limit)) {
      _ = try store.evaluate { evaluation throws(StoreError) in
        for number in 0...limit { try evaluation.deleteRange(Self.range(number)) }
      }
    }
    #expect(store.coordinator.appended == appended)
    try store.commit(deletes(0..<limit))
    #expect(try store.countEntries() == 2)
    try fixture.reopen()
    #expect(try fixture.store.countEntries() == 2)
    try fixture.store.waitUntilPurged()
    #expect(try fixture.store.statistics().storedEntryCount == 2)
  }

  /// They did not count at all, and a batch of small puts with them was admitted as if it were small.
  @Test func `the bytes of ranges count as often as they are written`() throws {
    let ranges = [KeyRange(from: [1, 2, 3], to: [4, 5, 6, 7]), KeyRange(from: [8])]
    let charge = 8 + 2 * Limits.mutationByteCount
    var batch = Batch()
    for range in ranges { try batch.deleteRange(range) }
    try batch.deleteRange(KeyRange(from: [8], to: [8]))
    #expect(batch.rangeDeleteCount == 2)
    #expect(batch.chargedByteCount == charge)
    let fixture = try StoreFixture { $0.partitionCount = 4 }
    _ = try fixture.store.evaluate { evaluation throws(StoreError) in
      try evaluation.add(batch)
      #expect(evaluation.chargedByteCount == 4 * charge)
    }
  }

  @Test func `a delete of everything counts once for each keyspace that it concerns`() throws {
    let range = KeyRange(to: bytes("z"))
    var batch = Batch()
    try batch.deleteRange(range)
    try batch.deleteRange(.everything)
    #expect(batch.rangeDeleteCount == 5)
    let fixture = try StoreFixture { $0.partitionCount = 4 }
    _ = try fixture.store.evaluate { evaluation throws(StoreError) in
      try evaluation.add(batch)
      #expect(evaluation.tombstoneCount == 4 * 5)
      for _ in 0..<2043 { try evaluation.deleteRange(range) }
      #expect(throws: StoreError.tooManyRangeDeletes(limit: 2048)) {
        try evaluation.deleteRange(range)
      }
    }
  }

  // MARK: Costs

  @Test func `a batch changes the layers of each partition once`() throws {
    let fixture = try StoreFixture()
    let partitions = fixture.store.partitionSet.partitions
    let before = partitions.map(\.generation)
    let (_, receipt) = try fixture.store.evaluate { evaluation throws(StoreError) in
      for number in 0..<50 {
        try evaluation.put(Self.key(number).rawSpan, bytes("x").rawSpan)
        try evaluation.deleteRange(Self.range(number))
      }
    }
    #expect(zip(before, partitions.map(\.generation)).allSatisfy { $0 + 1 == $1 })
    #expect(partitions.allSatisfy { $0.layers.tombstones.runs.count == 1 })
    #expect(partitions.allSatisfy { $0.layers.tombstones.copiedCount == 0 })
    try fixture.store.waitUntilDurable(receipt)
    #expect(try fixture.store.countEntries() == 0)
  }

  @Test func `recovery copies no more than writing did`() throws {
    let fixture = try StoreFixture {
      $0.partitionCount = 2
      $0.memoryByteCount = 32 << 20
    }
    let store = fixture.store
    let partition = store.partitionSet.partitions[0]
    // Nothing is carried out meanwhile, so that all of them stay.
    let isReleased = Flag()
    let hold = try heldFiles(store, until: isReleased)
    var receipt: Receipt?
    for number in 0..<1000 {
      receipt = try store.evaluate { evaluation throws(StoreError) in
        try evaluation.deleteRange(Self.range(number))
      }.receipt
    }
    try store.waitUntilDurable(try #require(receipt))
    let written = partition.layers.tombstones
    #expect(written.count == 1000)
    let left = try fixture.crashFiles()
    isReleased.raise()
    hold.join()
    let again = try StoreFixture(opening: left, options: fixture.options)
    // Some may be carried out by now, and no others were added.
    let recovered = again.store.partitionSet.partitions[0].layers.tombstones
    #expect(written.copiedCount < 1000 * 24)
    #expect(recovered.copiedCount <= written.copiedCount)
    try again.store.waitUntilPurged()
  }

  /// A range delete used to walk its range alone, whatever the others had removed and kept before it.
  @Test func `range deletes of the same range are carried out as one`() throws {
    let fixture = try PartitionFixture()
    let environment = try fixture.open()
    let partition = try fixture.partition(of: environment)
    try environment.write { transaction throws(StoreError) in
      for number in 0..<5000 {
        let key = Self.key(number)
        try transaction.reserve(([0] + key).rawSpan, byteCount: StoredValue.headerByteCount) {
          StoredValue.encode(
            StoredValue.Header(sequence: SequenceNumber(number % 2 == 0 ? 5000 : 1)),
            storedKey: ([0] + key).rawSpan, value: RawSpan(), seed: environment.checksumSeed,
            into: &$0)
        }
      }
      for number in 0..<1500 {
        try transaction.setTombstone(
          RangeTombstone(
            sequence: SequenceNumber(number + 2), lsn: 0, lower: Self.key(number % 7), upper: nil))
      }
    }
    var group: PurgeGroup?
    var chunkCount = 0
    var finished: [RangeTombstone.ID] = []
    purge: while true {
      switch try PurgeChunk(partition: partition, keyLimit: 1000).run(group) {
      case .nothing: break purge
      case .paused(let paused): group = paused
      case .finished(let last):
        finished.append(last)
        group = nil
      }
      chunkCount += 1
    }
    #expect(finished.map(\.sequence) == [1025, 1501])
    // Five chunks for 5,000 keys, and again for the half that is left; time may end some of them early.
    #expect(chunkCount <= 40)
    #expect(try environment.makeReader().tombstones().isEmpty)
    #expect(try environment.makeReader().entryCount() == 2500)
    partition.close()
  }

  // MARK: Waiting

  /// Keeps the purge worker and apply from writing any partition's file.
  private func heldFiles(_ store: Store, until isReleased: Flag) throws -> WorkerThread {
    let isHeld = Flag()
    let thread = WorkerThread(name: "held") {
      func hold(_ rest: ArraySlice<Partition>) throws {
        guard let partition = rest.first else {
          isHeld.raise()
          while !isReleased.isRaised { usleep(1000) }
          return
        }
        let transaction = try partition.environment.beginWrite()
        try hold(rest.dropFirst())
        _ = consume transaction
      }
      try? hold(store.partitionSet.partitions[...])
    }
    while !isHeld.isRaised { usleep(1000) }
    return thread
  }

  /// All writers used to wait, and none of them was told.
  @Test func `while many are to be carried out others write, and more of them wait`() throws {
    let fixture = try StoreFixture {
      $0.partitionCount = 1
      $0.memoryByteCount = 32 << 20
    }
    let store = fixture.store
    try fill(store, 0..<5000)
    try store.checkpoint()
    let isReleased = Flag()
    let hold = try heldFiles(store, until: isReleased)
    try store.commit(deletes(0..<4500))
    #expect(store.hasRangeDeleteBacklog)
    for number in 0..<100 { try store.put(Self.key(number), bytes("new")) }
    #expect(throws: StoreError.rangeDeletesPending) {
      _ = try store.evaluate { evaluation throws(StoreError) in
        try evaluation.deleteRange(Self.range(0))
      }
    }
    #expect(try store.get(Self.key(0)) == bytes("new"))
    let isDone = Flag()
    let deleter = WorkerThread(name: "deleter") {
      _ = try? store.deleteRange(Self.range(0))
      isDone.raise()
    }
    try store.put(Self.key(1), bytes("newer"))
    #expect(!isDone.isRaised)
    isReleased.raise()
    hold.join()
    deleter.join()
    #expect(isDone.isRaised)
    #expect(try store.get(Self.key(0)) == nil)
    #expect(try store.countEntries() == 599)
    try store.waitUntilPurged()
    #expect(try store.statistics().storedEntryCount == 599)
  }

  /// Only apply's full disk was known: where the purge worker alone had no room, they waited without a word.
  @Test func `they do not wait for a purge worker whose disk is full, nor once they are unwanted`()
    throws
  {
    let fixture = try StoreFixture {
      $0.partitionCount = 1
      $0.memoryByteCount = 32 << 20
    }
    let store = fixture.store
    let isReleased = Flag()
    let hold = try heldFiles(store, until: isReleased)
    try store.commit(deletes(0..<4096))
    let shortage = store.purgeWorker.shortage
    let full = StoreError.diskFull(IOError(noSpaceTo: "write", "data.mdb"))
    #expect(shortage.failed(0, because: full, at: .zero, available: 0))
    #expect(!store.hasRangeDeleteBacklog)
    #expect(store.diskFull == full)
    #expect(throws: full) { try store.deleteRange(Self.range(0)) }
    try store.put(Self.key(0), bytes("new"))
    shortage.ended(0)
    #expect(store.hasRangeDeleteBacklog)
    #expect(store.diskFull == nil)
    let isWanted = { false }
    #expect(throws: StoreError.cancelled) {
      _ = try store.admitAndEvaluate(byteCount: 100, isWanted: isWanted) {
        evaluation throws(StoreError) in try evaluation.deleteRange(Self.range(0))
      }
    }
    store.stopWaiting()
    #expect(throws: StoreError.rangeDeletesPending) { try store.deleteRange(Self.range(0)) }
    isReleased.raise()
    hold.join()
  }

  /// It stopped the writes to all partitions, and no error told of it.
  @Test func `those of a damaged partition stop nobody`() throws {
    let fixture = try StoreFixture { $0.partitionCount = 2 }
    let store = fixture.store
    let isReleased = Flag()
    let hold = try heldFiles(store, until: isReleased)
    try store.commit(deletes(0..<4096))
    #expect(store.hasRangeDeleteBacklog)
    let damaged = store.partitionSet.partitions[0]
    _ = damaged.environment.failure(mdbCorrupted, "read")
    // The other one still has as many.
    #expect(store.hasRangeDeleteBacklog)
    isReleased.raise()
    hold.join()
    store.seal()
    while store.hasRangeDeleteBacklog { usleep(1000) }
    #expect(damaged.layers.tombstones.count == 4096)
    let sound = try #require(
      (0..<100).map { Self.key($0) }.first { store.partition(of: $0) == 1 })
    try store.put(sound, bytes("new"))
    let (_, receipt) = try store.evaluate { evaluation throws(StoreError) in
      try evaluation.deleteRange(.prefix(sound), in: .keys, ofPartitionOf: sound.rawSpan)
    }
    try store.waitUntilDurable(receipt)
    #expect(try store.get(sound) == nil)
    #expect(throws: StoreError.self) { try store.deleteRange(.everything) }
  }
}
