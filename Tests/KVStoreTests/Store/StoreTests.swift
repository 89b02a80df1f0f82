import Testing

@testable import KVStore

@Suite struct StoreTests {
  @Test func `what was put is there, before and after opening again`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put(bytes("a"), bytes("1"))
    try fixture.store.put([], [])
    #expect(try fixture.store.get(bytes("a")) == bytes("1"))
    #expect(try fixture.store.get([]) == [])
    #expect(try fixture.store.get(bytes("b")) == nil)
    try fixture.reopen()
    #expect(try fixture.store.get(bytes("a")) == bytes("1"))
    #expect(try fixture.store.get([]) == [])
    #expect(try fixture.store.countEntries() == 2)
    #expect(try fixture.store.delete(bytes("a")))
    #expect(try !fixture.store.delete(bytes("a")))
    try fixture.reopen()
    #expect(try fixture.store.get(bytes("a")) == nil)
  }

  @Test func `a batch over all partitions is there as a whole`() throws {
    let fixture = try StoreFixture()
    var batch = Batch()
    for index in 0..<100 { try batch.put(bytes("key \(index)"), bytes("\(index)")) }
    try batch.delete(bytes("key 7"))
    try fixture.store.commit(batch)
    #expect(try fixture.store.countEntries() == 99)
    #expect(try fixture.store.get(bytes("key 7")) == nil)
    let forward = try fixture.store.scan(.prefix(bytes("key 1")), limit: 3).map(\.key)
    #expect(forward == [bytes("key 1"), bytes("key 10"), bytes("key 11")])
    let backward = try fixture.store.scan(.prefix(bytes("key 1")), reverse: true, limit: 2)
    #expect(backward.map(\.key) == [bytes("key 19"), bytes("key 18")])
  }

  @Test func `a batch whose condition fails changes nothing and names the condition`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put(bytes("there"), bytes("1"))
    var batch = Batch()
    try batch.require(.present, of: bytes("there"))
    try batch.require(.absent, of: bytes("there"))
    for index in 0..<10 { try batch.put(bytes("other \(index)"), []) }
    #expect(throws: StoreError.preconditionFailed(index: 1)) { try fixture.store.commit(batch) }
    #expect(try fixture.store.countEntries() == 1)
  }

  @Test func `a range delete hides what is older and spares what is newer`() throws {
    let fixture = try StoreFixture()
    for index in 100..<200 { try fixture.store.put(bytes("k\(index)"), bytes("old")) }
    try fixture.store.checkpoint()
    try fixture.store.put(bytes("k150"), bytes("in memory"))
    try fixture.store.deleteRange(KeyRange(from: bytes("k120"), to: bytes("k180")))
    try fixture.store.put(bytes("k130"), bytes("new"))
    func check() throws {
      let contents = try fixture.contents()
      #expect(contents.count == 41)
      #expect(contents[bytes("k130")] == bytes("new"))
      #expect(contents[bytes("k150")] == nil)
      #expect(contents[bytes("k180")] == bytes("old"))
      #expect(try fixture.store.countEntries() == 41)
    }
    try check()
    try fixture.store.checkpoint()
    try check()
    try fixture.reopen()
    try check()
  }

  @Test func `more than memory holds goes through to LMDB and back`() throws {
    let fixture = try StoreFixture()
    var expected: [[UInt8]: [UInt8]] = [:]
    for round in 0..<200 {
      var batch = Batch()
      for index in 0..<100 {
        let key = bytes("key \((round * 7919 + index * 104729) % 9973)")
        let value = bytes(String(repeating: "\(round).", count: 150))
        try batch.put(key, value)
        expected[key] = value
      }
      try fixture.store.commit(batch)
    }
    #expect(try fixture.contents() == expected)
    try fixture.reopen()
    #expect(try fixture.contents() == expected)
    #expect(try fixture.store.countEntries() == expected.count)
  }
}
