import Base
import Testing

@testable import KVStore

/// Errors that the closure of an evaluation catches.
@Suite struct EvaluationFailureTests {
  private func fixture() throws -> StoreFixture {
    try StoreFixture {
      $0.memoryByteCount = 160 << 20
      $0.segmentByteCount = 1 << 20
    }
  }

  /// The range was deleted, and those of the keys stayed that had been put in it and not yet been deleted by name.
  @Test func `a range delete that has no room for all that the batch has put carries nothing out`()
    throws
  {
    let fixture = try fixture()
    let store = fixture.store
    try store.put(bytes("r old"), [1])
    let error = #expect(throws: StoreError.self) {
      _ = try store.admitAndEvaluate(byteCount: 1000) { evaluation throws(StoreError) in
        for number in 0..<400 { try evaluation.put("r\(number)", "") }
        let left = Limits.batchByteCount - evaluation.chargedByteCount - 20_000
        let value = [UInt8](repeating: 1, count: left / 2 - 200)
        for key in ["filler 1", "filler 2"] {
          try evaluation.put(bytes(key).rawSpan, value.rawSpan)
        }
        do throws(StoreError) {
          try evaluation.deleteRange(.prefix(bytes("r")))
        } catch {}
      }
    }
    guard case .batchTooLarge = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try store.contents() == [bytes("r old"): [1]])
  }

  @Test func `an error before anything is changed leaves the batch as it was`() throws {
    let fixture = try fixture()
    let store = fixture.store
    let long = [UInt8](repeating: 1, count: 600)
    let (_, receipt) = try store.admitAndEvaluate(byteCount: 1000) {
      evaluation throws(StoreError) in
      try evaluation.put("a", "1")
      #expect(throws: StoreError.self) { try evaluation.put(long.rawSpan, [1].rawSpan) }
      #expect(throws: StoreError.self) { try evaluation.deleteRange(KeyRange(from: long)) }
      let large = [UInt8](repeating: 1, count: Limits.valueByteCount)
      try evaluation.put(bytes("large").rawSpan, large.rawSpan)
      #expect(throws: StoreError.self) { try evaluation.put(bytes("b").rawSpan, large.rawSpan) }
      try evaluation.delete("large")
    }
    try store.waitUntilDurable(receipt)
    #expect(try store.contents() == [bytes("a"): bytes("1")])
  }

  /// They counted although they were refused.
  @Test func `range deletes that are refused do not count`() throws {
    let fixture = try fixture()
    let store = fixture.store
    let (_, receipt) = try store.evaluate { evaluation throws(StoreError) in
      func deleteHere(_ number: Int) throws(StoreError) {
        try evaluation.deleteRange(
          .prefix(bytes("here \(number)")), in: .keys, ofPartitionOf: bytes("here").rawSpan)
      }
      for number in 0..<2047 { try evaluation.deleteRange(.prefix(bytes("\(number) "))) }
      for number in 0..<3 { try deleteHere(number) }
      // One in each of four partitions, with room for one.
      #expect(throws: StoreError.tooManyRangeDeletes(limit: 2048)) {
        try evaluation.deleteRange(.prefix(bytes("x")))
      }
      try deleteHere(3)
      #expect(throws: StoreError.tooManyRangeDeletes(limit: 2048)) { try deleteHere(4) }
    }
    try store.waitUntilDurable(receipt)
  }

  /// Each was told apart from others by what had been written before it, so that it had to write something at once.
  @Test func `every place that is taken is another one`() throws {
    let fixture = try fixture()
    _ = try fixture.store.evaluate { evaluation throws(StoreError) in
      let first = evaluation.takeOrdinal()
      let second = evaluation.takeOrdinal()
      try evaluation.deleteRange(.prefix(bytes("x")))
      let third = evaluation.takeOrdinal()
      #expect(first.sequence == second.sequence && second.sequence == third.sequence)
      #expect(Set([first.ordinal, second.ordinal, third.ordinal]).count == 3)
    }
  }
}
