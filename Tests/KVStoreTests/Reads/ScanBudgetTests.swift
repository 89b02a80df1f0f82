import Foundation
import Testing

@testable import KVStore

@Suite struct ScanBudgetTests {
  private func made() throws -> StoreFixture {
    let fixture = try StoreFixture()
    var batch = Batch()
    for number in 0..<2_000 { try batch.put(bytes("key \(number)"), bytes("value")) }
    try fixture.store.commit(batch)
    return fixture
  }

  @Test func `a walk ends at its reader's limit, and a later one has a limit of its own`() throws {
    let fixture = try made()
    defer { try? fixture.close() }
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    var count = 0
    reader.pace.limit(to: 1_000)
    #expect(throws: StoreError.walkStopped) {
      try reader.scan(.everything) { _, _ in
        count += 1
        return true
      }
    }
    #expect(count >= 900 && count <= 1_000 + ScanBudget.batch)
    reader.pace.limit(to: 3_000)
    #expect(try reader.countEntries() == 2_000)
    reader.pace.lift()
    #expect(try reader.countEntries() == 2_000)
  }

  /// Else a scan of ten keys could walk over a million that a range delete hides.
  @Test func `what is hidden counts`() throws {
    let fixture = try made()
    defer { try? fixture.close() }
    var batch = Batch()
    try batch.deleteRange(.prefix(bytes("key")))
    try fixture.store.commit(batch)
    try fixture.store.put(bytes("last"), bytes("value"))
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    reader.pace.limit(to: 100)
    #expect(throws: StoreError.walkStopped) {
      try reader.scan(.everything, limit: 1) { _, _ in true }
    }
  }

  /// MEMORY STATS in a transaction once took the time limit from all that followed.
  @Test func `the bound of an evaluation holds to its end, whatever else is asked for in it`()
    throws
  {
    let fixture = try made()
    defer { try? fixture.close() }
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    reader.pace.endEvaluations { true }
    #expect(throws: StoreError.walkStopped) {
      _ = try fixture.store.evaluate(with: reader) { (evaluation) throws(StoreError) in
        evaluation.pace.limit(to: 1 << 20)
        evaluation.pace.lift()
        for _ in 0..<10 { _ = try evaluation.countEntries() }
      }
    }
  }

  /// They took no steps at all, though each is read and verified.
  @Test(arguments: [60, 3000])
  func `damaged values that are left out count`(byteCount: Int) throws {
    let marker = bytes("a value that can be found in the file by its own bytes")
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    defer { try? fixture.close() }
    let value = marker + [UInt8](repeating: 1, count: byteCount - marker.count)
    var batch = Batch()
    for number in 0..<500 { try batch.put(bytes("key \(number)"), value) }
    try fixture.store.commit(batch)
    let file = URL(fileURLWithPath: fixture.directory.path + "/partition-0000/data.mdb")
    try fixture.reopen {
      let data = try Data(contentsOf: file)
      var copy = data
      var start = data.startIndex
      while let range = data.range(of: Data(marker), in: start..<data.endIndex) {
        copy[range.lowerBound] ^= 0x20
        start = range.upperBound
      }
      try copy.write(to: file)
    }
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    reader.pace.limit(to: 100)
    #expect(throws: StoreError.walkStopped) {
      try reader.scanEntries(.everything, limit: 1, skipsDamaged: true) { _, _, _ in true }
    }
  }

  @Test func `one that nobody wants any more ends soon`() throws {
    let fixture = try made()
    defer { try? fixture.close() }
    let reader = fixture.store.makeReader()
    defer { reader.close() }
    var walked = 0
    reader.pace.stop { true }
    #expect(throws: StoreError.walkStopped) {
      while walked < 1_000_000 {
        try reader.scan(.everything) { _, _ in
          walked += 1
          return true
        }
      }
    }
    #expect(walked <= 8_192 + ScanBudget.batch)
    reader.pace.stop { false }
    for _ in 0..<10 { #expect(try reader.countEntries() == 2_000) }
  }
}
