import Testing

@testable import KVStore

/// What is read while a batch is made up.
@Suite struct EvaluationTests {
  /// Runs `body` on a store that holds keys 0…9 with value "old", some of them in LMDB.
  private func evaluating(
    _ body: (inout Evaluation) throws(StoreError) -> Void
  ) throws -> [[UInt8]: [UInt8]] {
    let fixture = try StoreFixture()
    for digit in 0..<10 {
      try fixture.store.put(bytes("\(digit)"), bytes("old"))
      if digit == 4 { try fixture.store.checkpoint() }
    }
    try fixture.store.waitUntilDurable(try fixture.store.evaluate(body).receipt)
    let before = try fixture.contents()
    try fixture.reopen()
    #expect(try fixture.contents() == before)
    return before
  }

  @Test func `what was put or deleted before is read back`() throws {
    let after = try evaluating { evaluation throws(StoreError) in
      #expect(try evaluation.value("1") == bytes("old"))
      try evaluation.put("1", "new")
      try evaluation.put("x", "")
      #expect(try evaluation.value("1") == bytes("new"))
      #expect(try evaluation.value("x") == [])
      try evaluation.delete("1")
      #expect(try evaluation.value("1") == nil)
      #expect(try evaluation.sequence("1") == 0)
      #expect(try evaluation.value("1") == nil)
      try evaluation.put("1", "again")
      #expect(try evaluation.value("1") == bytes("again"))
      #expect(try evaluation.value("2") == bytes("old"))
    }
    #expect(after[bytes("1")] == bytes("again"))
    #expect(after.count == 11)
  }

  @Test func `a put behind a range delete stays, one before it goes`() throws {
    let after = try evaluating { evaluation throws(StoreError) in
      try evaluation.put("3", "before")
      try evaluation.put("3x", "before")
      try evaluation.put("9", "outside")
      try evaluation.deleteRange(KeyRange(from: bytes("2"), to: bytes("5")))
      #expect(try evaluation.value("3") == nil)
      #expect(try evaluation.value("2") == nil)
      #expect(try evaluation.value("5") == bytes("old"))
      #expect(try evaluation.value("9") == bytes("outside"))
      try evaluation.put("4", "after")
      #expect(try evaluation.value("4") == bytes("after"))
    }
    #expect(after[bytes("3")] == nil && after[bytes("3x")] == nil && after[bytes("2")] == nil)
    #expect(after[bytes("4")] == bytes("after"))
    #expect(after[bytes("9")] == bytes("outside"))
    #expect(after.count == 8)
  }

  @Test func `range deletes of one batch overlap and all count`() throws {
    let after = try evaluating { evaluation throws(StoreError) in
      try evaluation.deleteRange(KeyRange(from: bytes("0"), to: bytes("3")))
      try evaluation.put("2", "between")
      try evaluation.put("1", "between")
      try evaluation.deleteRange(KeyRange(from: bytes("2"), to: bytes("4")))
      try evaluation.deleteRange(KeyRange(from: bytes("8")))
      #expect(try evaluation.value("2") == nil)
      #expect(try evaluation.value("1") == bytes("between"))
    }
    #expect(Set(after.keys) == Set(["1", "4", "5", "6", "7"].map { bytes($0) }))
  }

  @Test func `a key that was put has the sequence that the batch gets`() throws {
    let fixture = try StoreFixture()
    let (expected, receipt) = try fixture.store.evaluate {
      evaluation throws(StoreError) -> SequenceNumber in
      try evaluation.put("k", "")
      return try evaluation.sequence("k")
    }
    #expect(receipt.sequence == expected)
    try fixture.store.waitUntilDurable(receipt)
    #expect(try fixture.store.sequence(of: bytes("k")) == expected)
  }

  @Test func `an evaluation that throws, or writes nothing, leaves nothing`() throws {
    let fixture = try StoreFixture()
    let newest = try fixture.store.put(bytes("k"), [1])
    let appended = fixture.store.coordinator.appended
    #expect(throws: StoreError.closed) {
      _ = try fixture.store.evaluate { evaluation throws(StoreError) in
        for digit in 0..<50 { try evaluation.put("\(digit)", "") }
        try evaluation.deleteRange(.everything)
        throw .closed
      }
    }
    let receipt = try fixture.store.evaluate { _ in }.receipt
    #expect(receipt.sequence == newest)
    #expect(fixture.store.coordinator.appended == appended)
    #expect(try fixture.contents() == [bytes("k"): [1]])
  }

  @Test func `what was ordered and is not durable yet is seen by the next evaluation`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let first = try store.evaluate { evaluation throws(StoreError) in
      try evaluation.put("k", "1")
    }.receipt
    let seen = try store.evaluate { evaluation throws(StoreError) in
      try evaluation.value("k")
    }.result
    #expect(seen == bytes("1"))
    let reader = store.makeReader()
    #expect(try reader.sequence("k") == 0)
    #expect(try reader.sequence("k", through: first.sequence) != 0)
    reader.close()
    #expect(store.durablePosition < first.position)
    #expect(try store.syncIfIdle())
    #expect(store.durablePosition >= first.position)
    #expect(try store.get(bytes("k")) == bytes("1"))
  }
}
