import Foundation
import Testing

@testable import KVStore

/// Bytes of a value that changed on the disk.
@Suite struct DamageTests {
  private static let marker = bytes("a value that can be found in the file by its own bytes")

  /// A store whose key "damaged" has a changed byte below, among a hundred others.
  private func damaged() throws -> StoreFixture {
    let fixture = try StoreFixture { $0.partitionCount = 1 }
    for number in 0..<100 { try fixture.store.put(bytes("\(number)"), bytes("sound")) }
    try fixture.store.put(bytes("damaged"), Self.marker)
    let path = "\(fixture.directory.path)/partition-0000/data.mdb"
    try fixture.reopen {
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      var copy = data
      var start = data.startIndex
      var count = 0
      // LMDB may have left older copies of the page behind.
      while let range = data.range(of: Data(Self.marker), in: start..<data.endIndex) {
        copy[range.lowerBound + 9] ^= 0x20
        start = range.upperBound
        count += 1
      }
      #expect(count > 0)
      try copy.write(to: URL(fileURLWithPath: path))
    }
    return fixture
  }

  @Test func `a changed value is reported with file and key, and all others can be read`() throws {
    let fixture = try damaged()
    let found = finding { _ = try fixture.store.get(bytes("damaged")) }
    #expect(found?.file.hasSuffix("partition-0000/data.mdb") == true)
    #expect(found?.key == bytes("damaged"))
    #expect(finding { _ = try fixture.contents() }?.key == bytes("damaged"))
    #expect(finding { _ = try fixture.store.sequence(of: bytes("damaged")) } != nil)
    for number in 0..<100 {
      #expect(try fixture.store.get(bytes("\(number)")) == bytes("sound"))
    }
    #expect(fixture.store.poisoned == nil)
    try fixture.store.put(bytes("damaged"), bytes("mended"))
    #expect(try fixture.store.get(bytes("damaged")) == bytes("mended"))
    try fixture.reopen()
    #expect(try fixture.contents()[bytes("damaged")] == bytes("mended"))
  }

  /// The first entry outside of a range was verified as well: one damaged field was an error of the map before it.
  @Test func `a range that ends just before a changed value is read`() throws {
    let fixture = try damaged()
    let key = bytes("damaged")
    let before = KeyRange(from: bytes("9"), to: key)
    #expect(try fixture.store.scan(before, limit: .max).count == 11)
    let behind = KeyRange(from: key + [0])
    #expect(try fixture.store.scan(behind, reverse: true, limit: .max).isEmpty)
  }

  /// It poisoned the store, at every open, because the range delete could not be carried out.
  @Test func `a range delete over a changed value carries out the rest`() throws {
    let fixture = try damaged()
    try fixture.store.deleteRange(.everything)
    try fixture.store.waitUntilPurged()
    #expect(fixture.store.poisoned == nil)
    #expect(try fixture.store.statistics().storedEntryCount == 1)
    #expect(finding { _ = try fixture.store.get(bytes("damaged")) }?.key == bytes("damaged"))
    #expect(try fixture.store.get(bytes("7")) == nil)
    var batch = Batch()
    try batch.delete(bytes("damaged"))
    try fixture.store.commit(batch)
    try fixture.store.checkpoint()
    #expect(try fixture.store.countEntries() == 0)
  }
}
