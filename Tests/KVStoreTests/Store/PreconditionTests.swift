import Base
import Testing

@testable import KVStore

@Suite struct PreconditionTests {
  private static let counter = bytes("counter")
  private static let threadCount = 4
  private static let roundCount = 60

  private func number(_ value: [UInt8]?) -> Int {
    Int(String(decoding: value ?? bytes("0"), as: UTF8.self)) ?? -1
  }

  @Test func `no update of a counter is lost between threads that compare and set`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    try inThreads(Self.threadCount) { index in
      var done = 0
      while done < Self.roundCount {
        let snapshot = try store.snapshot()
        let old = number(try snapshot.get(Self.counter))
        snapshot.close()
        let sequence = try store.sequence(of: Self.counter)
        // The value may be older than the sequence: then both are read again.
        guard try number(store.get(Self.counter)) == old else { continue }
        var batch = Batch()
        try batch.require(.sequence(sequence), of: Self.counter)
        try batch.put(Self.counter, bytes("\(old + 1)"))
        try batch.put(bytes("mark \(index) \(done)"), [])
        do {
          try store.commit(batch)
          done += 1
        } catch StoreError.preconditionFailed(index: 0) {
          if UInt8.random(in: 0..<16) == 0 { store.seal() }
        }
      }
    }
    let total = Self.threadCount * Self.roundCount
    #expect(number(try store.get(Self.counter)) == total)
    #expect(try store.countEntries() == total + 1)
  }

  @Test func `no update of a counter is lost between threads that evaluate`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    try inThreads(Self.threadCount) { _ in
      for round in 0..<Self.roundCount {
        let receipt = try store.evaluate { evaluation throws(StoreError) in
          let old = try evaluation.withValue(of: Self.counter.rawSpan) { number(copy($0)) }
          try evaluation.put(Self.counter.rawSpan, bytes("\(old + 1)").rawSpan)
        }.receipt
        if round % 7 == 0 { store.seal() }
        try store.waitUntilDurable(receipt)
      }
    }
    #expect(number(try store.get(Self.counter)) == Self.threadCount * Self.roundCount)
    try fixture.reopen()
    #expect(number(try fixture.store.get(Self.counter)) == Self.threadCount * Self.roundCount)
  }

  @Test func `a condition is checked against what is in LMDB, in memory and hidden alike`() throws {
    let fixture = try StoreFixture()
    func holds(_ condition: Precondition, _ key: String) throws -> Bool {
      var batch = Batch()
      try batch.require(condition, of: bytes(key))
      do { try fixture.store.commit(batch) } catch StoreError.preconditionFailed { return false }
      return true
    }
    let below = try fixture.store.put(bytes("below"), [])
    try fixture.store.put(bytes("hidden"), [])
    try fixture.store.checkpoint()
    try fixture.store.deletePrefix(bytes("hid"))
    let above = try fixture.store.put(bytes("above"), [])
    #expect(try holds(.present, "below") && holds(.sequence(below), "below"))
    #expect(try holds(.present, "above") && holds(.sequence(above), "above"))
    #expect(try !holds(.absent, "below") && !holds(.sequence(below), "above"))
    #expect(try holds(.absent, "hidden") && holds(.sequence(0), "hidden"))
    #expect(try holds(.absent, "never") && !holds(.present, "never"))
  }

  @Test func `a batch does not see its own writes in its conditions`() throws {
    let fixture = try StoreFixture()
    var batch = Batch()
    try batch.put(bytes("k"), [])
    try batch.require(.absent, of: bytes("k"))
    try fixture.store.commit(batch)
    #expect(throws: StoreError.preconditionFailed(index: 0)) { try fixture.store.commit(batch) }
  }
}
