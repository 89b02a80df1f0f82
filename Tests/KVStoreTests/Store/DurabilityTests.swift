import Base
import Testing
import TxnWAL

@testable import KVStore

@Suite struct DurabilityTests {
  @Test func `what is committed is visible and durable on return`() throws {
    let fixture = try StoreFixture()
    for number in 0..<20 {
      let sequence = try fixture.store.put(bytes("\(number)"), [])
      #expect(try fixture.store.sequence(of: bytes("\(number)")) == sequence)
      let watermarks = fixture.store.partitionSet.watermarks
      #expect(watermarks.published >= sequence)
      #expect(watermarks.acknowledged == fixture.store.coordinator.appended)
    }
  }

  @Test func `commits of many threads each get a sequence of their own, without gaps`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let sequences = Lock<[SequenceNumber]>([])
    try inThreads(8) { index in
      for number in 0..<40 {
        let sequence = try store.put(bytes("\(index) \(number)"), bytes("\(number)"))
        #expect(try store.get(bytes("\(index) \(number)")) == bytes("\(number)"))
        sequences.withLock { $0.append(sequence) }
      }
    }
    #expect(sequences.withLock { $0.sorted() } == Array(1...320))
    #expect(try store.countEntries() == 320)
  }

  @Test func `async commits are atomic, ordered and durable like others`() async throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let sequences = try await withThrowingTaskGroup(of: SequenceNumber.self) { group in
      for number in 0..<100 {
        group.addTask {
          var batch = Batch()
          try batch.put(bytes("a\(number)"), bytes("\(number)"))
          try batch.put(bytes("b\(number)"), bytes("\(number)"))
          let sequence = try await store.commit(batch)
          let read = try store.sequence(of: bytes("a\(number)"))
          #expect(read == sequence)
          return sequence
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(sequences.sorted() == Array(1...100))
    try fixture.reopen()
    #expect(try fixture.store.countEntries() == 200)
  }

  @Test func `an async commit whose condition fails throws it`() async throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    var batch = Batch()
    try batch.require(.present, of: [1])
    let refused = batch
    await #expect(throws: StoreError.preconditionFailed(index: 0)) {
      _ = try await store.commit(refused)
    }
  }

  @Test(arguments: Durability.allCases.map(\.rawValue))
  func `a store keeps what was committed after closing, whatever its durability`(
    name: String
  ) throws {
    let durability = try #require(Durability(rawValue: name))
    let fixture = try StoreFixture {
      $0.durability = durability
      $0.segmentByteCount = 64 << 10
    }
    for number in 0..<300 {
      try fixture.store.put(bytes("\(number)"), Array(repeating: 1, count: 1000))
      #expect(try fixture.store.get(bytes("\(number)")) != nil)
      if number % 50 == 0 { fixture.store.seal() }
    }
    try fixture.store.deletePrefix(bytes("1"))
    let count = try fixture.store.countEntries()
    try fixture.store.checkpoint()
    #expect(
      fixture.store.partitionSet.watermarks.durable == fixture.store.coordinator.appended)
    try fixture.store.put(bytes("last"), [])
    try fixture.reopen()
    #expect(try fixture.store.countEntries() == count + 1)
  }

  @Test func `what the log may still lose is never in LMDB`() throws {
    let fixture = try StoreFixture { $0.durability = .periodic }
    let store = fixture.store
    let isDone = Flag()
    try inThreads(2) { index in
      if index == 0 {
        defer { isDone.raise() }
        for number in 0..<200 {
          try store.put(bytes("\(number)"), [])
          store.seal()
        }
        return
      }
      while !isDone.isRaised {
        for partition in store.partitionSet.partitions {
          let applied = partition.applied
          let watermarks = store.partitionSet.watermarks
          #expect(applied <= watermarks.durable)
          #expect(watermarks.durable <= watermarks.acknowledged)
        }
      }
    }
  }

  /// The durable position moved first, so that what readers were not to see yet could be in LMDB.
  @Test func `nothing is durable before it is visible`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let isDone = Flag()
    try inThreads(2) { index in
      if index == 0 {
        defer { isDone.raise() }
        for number in 0..<400 { try store.put(bytes("\(number)"), []) }
        return
      }
      let watermarks = store.partitionSet.watermarks
      while !isDone.isRaised {
        let durable = watermarks.durable
        #expect(durable <= watermarks.acknowledged)
      }
    }
  }
}
