import Testing

@testable import kvd_drive

/// The model of the bulk keys allows each prefix of the changes that has all acknowledged ones.
@Suite struct BulkTests {
  /// Three changes, of which the first is acknowledged.
  private func bulk() -> Bulk {
    let bulk = Bulk()
    bulk.send(Bulk.Change(keys: 0..<100, generation: 2))
    bulk.send(Bulk.Change(keys: 50..<150, generation: 0))
    bulk.send(Bulk.Change(keys: 60..<70, generation: 3))
    bulk.acknowledge()
    return bulk
  }

  private func found(_ parts: [(Range<Int>, Int32)]) -> [Int32] {
    var keys = [Int32](repeating: 0, count: Bulk.keyCount)
    for (range, generation) in parts {
      for key in range { keys[key] = generation }
    }
    return keys
  }

  @Test func `each prefix with what was acknowledged is right`() {
    #expect(bulk().settle(found([(0..<100, 2)])) == nil)
    #expect(bulk().settle(found([(0..<50, 2)])) == nil)
    #expect(bulk().settle(found([(0..<50, 2), (60..<70, 3)])) == nil)
  }

  @Test func `a lost change, half a delete and a deleted key that is back are wrong`() {
    #expect(bulk().settle(found([])) != nil)
    #expect(bulk().settle(found([(0..<60, 2)])) != nil)
    #expect(bulk().settle(found([(0..<50, 2), (60..<70, 3), (99..<100, 2)])) != nil)
    #expect(bulk().settle(found([(0..<100, 2), (60..<70, 3)])) != nil)
  }

  @Test func `a cut has as many keys as there were after some change`() {
    let bulk = bulk()
    #expect([100, 50, 60].allSatisfy { bulk.allows(count: $0, since: 1) })
    #expect(![0, 40, 55, 150].contains { bulk.allows(count: $0, since: 1) })
    #expect(bulk.allows(count: 0, since: 0))
  }

  @Test func `a value is of its key and generation or of none`() {
    let bytes = Bulk.value(7, 12)
    #expect(Bulk.generation(of: bytes, key: 7) == 12)
    #expect(Bulk.generation(of: bytes, key: 8) == nil)
    #expect(Bulk.generation(of: bytes + [0], key: 7) == nil)
    #expect(Bulk.number(of: Array(Bulk.name(39_999).utf8)) == 39_999)
    #expect(Bulk.number(of: Array("bulk:40000".utf8)) == nil)
  }
}
