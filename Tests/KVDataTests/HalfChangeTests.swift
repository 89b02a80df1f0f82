import Base
import Testing

@testable import KVData
@testable import KVStore

/// A change of a map that ends half-way, in an evaluation whose closure catches the error: what was done of it used to
/// be carried out.
struct HalfChangeTests {
  private func fixture() throws -> DataFixture {
    let fixture = try DataFixture {
      $0.memoryByteCount = 160 << 20
      $0.segmentByteCount = 1 << 20
    }
    _ = try fixture.map("map").set((0..<300).map { (bytes("\($0)"), [1]) })
    try fixture.store.put(bytes("other"), [1])
    return fixture
  }

  /// Leaves a batch about `byteCount` bytes more.
  private func fill(
    _ evaluation: inout Evaluation, leaving byteCount: Int
  ) throws(StoreError) {
    let key = bytes("filler")
    let left = Limits.batchByteCount - evaluation.chargedByteCount - byteCount
    let half = left / 2 - Limits.mutationByteCount - key.count
    let value = [UInt8](repeating: 1, count: half)
    for _ in 0..<2 { try evaluation.put(key.rawSpan, value.rawSpan) }
  }

  enum Change: CaseIterable { case remove, replace, rename, put, fields }

  private func carryOut(
    _ change: Change, in evaluation: inout Evaluation
  ) throws(StoreError) {
    let key = bytes("map")
    switch change {
    case .remove: try Records.remove(key.rawSpan, in: &evaluation)
    case .replace: try Records.replace(key.rawSpan, with: [2].rawSpan, in: &evaluation)
    case .rename:
      _ = try Records.rename(bytes("other").rawSpan, to: key.rawSpan, in: &evaluation)
    case .put: try evaluation.put(key.rawSpan, [2].rawSpan)
    case .fields:
      try evaluation.editMap(at: key.rawSpan) { map, evaluation throws(StoreError) in
        for number in 0..<300 {
          try map.delete(bytes("\(number)").rawSpan, in: &evaluation)
        }
      }
    }
  }

  @Test(arguments: Change.allCases)
  func `nothing of the batch is carried out, although the error was caught`(change: Change) throws {
    let fixture = try fixture()
    var caught: StoreError?
    let error = #expect(throws: StoreError.self) {
      try fixture.write { evaluation throws(StoreError) in
        try fill(&evaluation, leaving: 20_000)
        do throws(StoreError) {
          try carryOut(change, in: &evaluation)
        } catch {
          caught = error
        }
      }
    }
    guard case .batchTooLarge = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(caught == error)
    #expect(try fixture.map("map").count() == 300)
    #expect(try fixture.map("map").contents().count == 300)
    #expect(try fixture.store.get(bytes("filler")) == nil)
    #expect(try fixture.store.get(bytes("other")) == [1])
  }

  @Test func `an error after which nothing is changed may be caught`() throws {
    let fixture = try fixture()
    try fixture.write { evaluation throws(StoreError) in
      let long = [UInt8](repeating: 1, count: 600)
      do throws(StoreError) {
        _ = try Records.rename(bytes("map").rawSpan, to: long.rawSpan, in: &evaluation)
        Issue.record("a key too long")
      } catch {}
      do throws(StoreError) {
        try evaluation.editMap(at: bytes("map").rawSpan) { map, evaluation throws(StoreError) in
          try map.set(bytes("new").rawSpan, [1].rawSpan, in: &evaluation)
          try map.set(long.rawSpan, [1].rawSpan, in: &evaluation)
        }
        Issue.record("a field too long")
      } catch {}
      do throws(StoreError) {
        try evaluation.editMap(at: bytes("other").rawSpan) { _, _ in }
        Issue.record("no map")
      } catch {}
    }
    #expect(try fixture.map("map").count() == 301)
    #expect(try fixture.map("map").get(bytes("new")) == [1])
  }

  /// The fields of the expired map went, and its record stayed.
  @Test func `an edit that puts nothing leaves an expired map whole or removes it`() throws {
    let fixture = try fixture()
    try fixture.write { evaluation throws(StoreError) in
      try Records.setExpiry(1, of: bytes("map").rawSpan, in: &evaluation)
    }
    try fixture.write { evaluation throws(StoreError) in
      try evaluation.editMap(at: bytes("map").rawSpan) { map, evaluation throws(StoreError) in
        _ = try map.delete(bytes("1").rawSpan, in: &evaluation)
      }
    }
    #expect(try fixture.store.countEntries() == 1)
    #expect(try fixture.fieldCount() == 0)
  }
}
