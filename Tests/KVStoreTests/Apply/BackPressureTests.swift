import Testing

@testable import KVStore

@Suite struct BackPressureTests {
  @Test func `a flood past the memory that may be used stays within it, and arrives`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let value = Array(repeating: 0x61 as UInt8, count: 16 << 10)
    let batchByteCount = 16 * value.count
    let isDone = Flag()
    try inThreads(2) { index in
      if index == 1 {
        while !isDone.isRaised {
          let statistics = try store.statistics()
          let inUse = statistics.activeMemtableByteCount + statistics.sealedMemtableByteCount
          // One batch may be let in when nearly all is taken; arenas abandon a quarter at most.
          #expect(inUse <= statistics.memtableByteLimit + batchByteCount * 2)
        }
        return
      }
      defer { isDone.raise() }
      for round in 0..<160 {
        var batch = Batch()
        for place in 0..<16 { try batch.put(bytes("\(round) \(place)"), value) }
        try store.commit(batch)
      }
    }
    #expect(try store.countEntries() == 160 * 16)
    #expect(try store.statistics().storedEntryCount > 0)
  }

  @Test(
    .disabled(
      if: Sanitizer.isThread,
      "the thread sanitizer leaves too little address space for the maps of 64 partitions"))
  func `a store of many partitions and little memory takes writes`() throws {
    let fixture = try StoreFixture { $0.partitionCount = 64 }
    #expect(
      fixture.store.budget.activeLimit > fixture.store.partitionSet.partitions[0].activeByteCount)
    let empty = fixture.store.partitionSet.partitions.reduce(0) { $0 + $1.activeByteCount }
    #expect(empty < fixture.store.budget.activeLimit)
    #expect(MemoryBudget(byteCount: 6 << 20, partitionCount: 1024).activeLimit > empty * 4)
    for round in 0..<4 {
      var batch = Batch()
      for place in 0..<400 { try batch.put(bytes("\(round) \(place)"), [1, 2, 3]) }
      try fixture.store.commit(batch)
    }
    #expect(try fixture.store.countEntries() == 1600)
  }

  @Test func `a checkpoint ends though others go on writing`() throws {
    let fixture = try StoreFixture { $0.memoryByteCount = 8 << 20 }
    let store = fixture.store
    let isDone = Flag()
    try inThreads(3) { index in
      if index == 0 {
        defer { isDone.raise() }
        for _ in 0..<5 { try store.checkpoint() }
        return
      }
      var round = 0
      while !isDone.isRaised {
        try store.put(bytes("\(index) \(round % 50)"), Array(repeating: 1, count: 50_000))
        store.seal()
        round += 1
      }
    }
  }

  @Test func `a checkpoint lets go of the log`() throws {
    let fixture = try StoreFixture { $0.segmentByteCount = 64 << 10 }
    for round in 0..<40 {
      try fixture.store.put(bytes("\(round)"), Array(repeating: 2, count: 20_000))
    }
    try fixture.store.checkpoint()
    let statistics = try fixture.store.statistics()
    #expect(statistics.checkpointLSN == statistics.durableLSN)
    #expect(statistics.segmentCount <= 3)
    #expect(statistics.sealedMemtableCount == 0)
    try fixture.reopen()
    #expect(fixture.store.openReport.recovery.rolledForwardCount == 0)
    #expect(try fixture.store.countEntries() == 40)
  }

  @Test func `a long log is let go of without anybody asking`() throws {
    let fixture = try StoreFixture {
      $0.segmentByteCount = 64 << 10
      $0.logByteLimit = 512 << 10
    }
    // The same keys over and over: memory never fills up, the log would grow forever.
    for round in 0..<300 {
      try fixture.store.put(bytes("\(round % 3)"), Array(repeating: 2, count: 10_000))
    }
    while try fixture.store.statistics().logByteCount > 2 << 20 {
      try fixture.store.put(bytes("k"), Array(repeating: 2, count: 10_000))
    }
    #expect(try fixture.store.countEntries() >= 3)
  }
}
