import Base
import Testing

@testable import KVStore

@Suite struct StoreClosingTests {
  @Test func `a store is closed with nothing in it, with much, and twice`() throws {
    let fixture = try StoreFixture()
    try fixture.reopen()
    #expect(try fixture.store.countEntries() == 0)
    var batch = Batch()
    for number in 0..<3000 { try batch.put(bytes("\(number)"), Array(repeating: 1, count: 900)) }
    try fixture.store.commit(batch)
    try fixture.store.deletePrefix(bytes("1"))
    let count = try fixture.store.countEntries()
    try fixture.store.close()
    try fixture.store.close()
    try fixture.reopen()
    #expect(fixture.store.openReport.recovery.rolledForwardCount == 0)
    #expect(try fixture.store.countEntries() == count)
  }

  @Test func `what was ordered and not awaited is there after closing`() throws {
    let fixture = try StoreFixture()
    for number in 0..<100 {
      _ = try fixture.store.evaluate { evaluation throws(StoreError) in
        try evaluation.put("\(number)", "value")
      }
    }
    try fixture.reopen()
    #expect(try fixture.store.countEntries() == 100)
  }

  @Test func `every call after closing throws that the store is closed`() async throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    try store.put([1], [1])
    let snapshot = try store.snapshot()
    let reader = store.makeReader()
    snapshot.close()
    try store.close()
    var batch = Batch()
    try batch.put([2], [2])
    let calls: [() throws -> Void] = [
      { _ = try store.get([1]) }, { _ = try store.sequence(of: [1]) },
      { try store.put([1], []) }, { try store.delete([1]) }, { try store.commit(batch) },
      { try store.deleteRange(.everything) }, { try store.deletePrefix([1]) },
      { _ = try store.snapshot() }, { _ = try store.scan(.everything, limit: 1) },
      { _ = try store.countEntries() }, { try store.checkpoint() },
      { _ = try store.evaluate { _ in } }, { _ = try store.tryAdmit(byteCount: 1) },
      { try store.admit(byteCount: 1) }, { _ = try reader.value("x") },
      { _ = try snapshot.get([1]) }, { try snapshot.scan(.everything) { _, _ in true } },
      { _ = try snapshot.countEntries() }, { _ = try store.statistics() },
    ]
    for call in calls { #expect(throws: StoreError.closed) { try call() } }
    await #expect(throws: StoreError.closed) { _ = try await store.commit(batch) }
  }

  /// It trapped: the environment was closed under a live LMDB transaction.
  @Test func `a snapshot outlives the store that it was taken of`() throws {
    let fixture = try StoreFixture()
    for number in 0..<100 { try fixture.store.put(bytes("\(number)"), bytes("value")) }
    try fixture.store.checkpoint()
    let snapshot = try fixture.store.snapshot()
    let reader = fixture.store.makeReader()
    #expect(try reader.value("7") == bytes("value"))
    try fixture.store.close()
    #expect(try snapshot.get(bytes("7")) == bytes("value"))
    #expect(try snapshot.countEntries() == 100)
    // Two environments on one file harm each other, so it is not opened again before they are gone.
    #expect(throws: StoreError.self) { try Store.open(at: fixture.directory.path) }
    snapshot.close()
    reader.close()
    try fixture.reopen()
    #expect(try fixture.store.countEntries() == 100)
  }

  /// Handlers and the store held each other, and the log's files stayed open.
  @Test func `nothing keeps a closed store`() throws {
    let directory = TemporaryDirectory()
    weak var store: Store?
    weak var partition: Partition?
    do {
      let opened = try Store.open(at: directory.path)
      try opened.put([1], [1])
      opened.observe { _ = opened.durablePosition }
      store = opened
      partition = opened.partitionSet.partitions[0]
      try opened.close()
    }
    #expect(store == nil)
    #expect(partition == nil)
  }

  @Test func `closing a store that many are writing to fails no batch halfway`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let acknowledged = Lock<Set<[UInt8]>>([])
    try inThreads(4) { index in
      if index == 0 {
        while acknowledged.withLock({ $0.count }) < 30 {}
        return
      }
      for number in 0..<30 {
        var batch = Batch()
        let key = bytes("\(index) \(number)")
        for place in 0..<4 { try batch.put(key + bytes(" \(place)"), []) }
        try store.commit(batch)
        acknowledged.withLock { _ = $0.insert(key) }
      }
    }
    try fixture.reopen()
    for key in acknowledged.withLock({ $0 }) {
      #expect(try fixture.store.scan(.prefix(key + bytes(" ")), limit: .max).count == 4)
    }
  }
}
