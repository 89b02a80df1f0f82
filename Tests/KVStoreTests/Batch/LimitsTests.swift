import Base
import Testing
import TxnWAL

@testable import KVStore

/// Sizes at and beyond what is allowed.
@Suite struct LimitsTests {
  private func key(_ count: Int) -> [UInt8] { Array(repeating: 0x6B, count: count) }

  private func expectUnwritten(
    _ error: StoreError, _ fixture: StoreFixture, _ body: () throws -> Void
  ) throws {
    let appended = fixture.store.coordinator.appended
    #expect(throws: error) { try body() }
    #expect(fixture.store.coordinator.appended == appended)
  }

  @Test func `a key of 500 bytes is taken and one of 501 is refused`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put(key(500), [1])
    #expect(try fixture.store.get(key(500)) == [1])
    let error = StoreError.keyTooLong(byteCount: 501, limit: 500)
    try expectUnwritten(error, fixture) { try fixture.store.put(key(501), []) }
    try expectUnwritten(error, fixture) { _ = try fixture.store.get(key(501)) }
    try expectUnwritten(error, fixture) { _ = try fixture.store.sequence(of: key(501)) }
    try expectUnwritten(error, fixture) { try fixture.store.delete(key(501)) }
    var batch = Batch()
    #expect(throws: error) { try batch.put(key(501), []) }
    #expect(throws: error) { try batch.delete(key(501)) }
    #expect(throws: error) { try batch.require(.absent, of: key(501)) }
    #expect(batch.isEmpty)
  }

  @Test func `a range delete reaches the longest key and refuses longer bounds`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put(key(500), [1])
    try fixture.store.deleteRange(KeyRange(from: key(500), to: key(500) + [0]))
    #expect(try fixture.store.get(key(500)) == nil)
    let error = StoreError.keyTooLong(byteCount: 502, limit: 501)
    try expectUnwritten(error, fixture) {
      try fixture.store.deleteRange(KeyRange(from: [], to: key(502)))
    }
    try fixture.store.checkpoint()
    try fixture.store.put(key(500), [2])
    try fixture.store.deletePrefix(key(499))
    try fixture.store.waitUntilPurged()
    #expect(try fixture.store.countEntries() == 0)
  }

  @Test func `a value of 64 MiB is taken and one byte more is refused`() throws {
    let fixture = try StoreFixture { $0.segmentByteCount = 8 << 20 }
    let value = Array(repeating: 0x76 as UInt8, count: Limits.valueByteCount)
    try fixture.store.put(key(500), value)
    #expect(try fixture.store.get(key(500)) == value)
    try fixture.reopen()
    #expect(try fixture.store.get(key(500)) == value)
    let error = StoreError.valueTooLarge(
      byteCount: Limits.valueByteCount + 1, limit: Limits.valueByteCount)
    try expectUnwritten(error, fixture) { try fixture.store.put([], value + [0]) }
  }

  @Test func `a batch over 64 MiB is refused before any log is made for it`() throws {
    let fixture = try StoreFixture()
    let half = Array(repeating: 0 as UInt8, count: Limits.batchByteCount / 2)
    var batch = Batch()
    try batch.put([1], half)
    try batch.put([2], half)
    let segmentCount = fixture.store.coordinator.segmentCount
    let count = batch.chargedByteCount
    try expectUnwritten(
      .batchTooLarge(byteCount: count, limit: Limits.batchByteCount), fixture
    ) { try fixture.store.commit(batch) }
    #expect(fixture.store.coordinator.segmentCount <= segmentCount + 1)
    #expect(try fixture.store.countEntries() == 0)
    #expect(throws: StoreError.self) {
      _ = try fixture.store.tryAdmit(byteCount: Sequencer.maximumPayloadByteCount + 1)
    }
  }

  @Test func `an evaluation over the limit writes nothing`() throws {
    let fixture = try StoreFixture()
    let half = Array(repeating: 0 as UInt8, count: Limits.batchByteCount / 2)
    let appended = fixture.store.coordinator.appended
    #expect(throws: StoreError.self) {
      _ = try fixture.store.evaluate { evaluation throws(StoreError) in
        try evaluation.put([1].rawSpan, half.rawSpan)
        try evaluation.put([2].rawSpan, half.rawSpan)
      }
    }
    #expect(fixture.store.coordinator.appended == appended)
    try fixture.store.put([3], [3])
    try fixture.reopen()
    #expect(try fixture.contents() == [[3]: [3]])
  }
}
