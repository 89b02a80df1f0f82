import Glibc
import Testing

@testable import KVStore

/// LMDB never writes pages that one transaction takes and gives back, so a file may rightly end before
/// the last page that its meta page counts.
@Suite struct FreePageReaderTests {
  /// A file whose last pages were never written: a big value put and deleted in one transaction.
  private func shortFixture(byteCount: Int) throws -> PartitionFixture {
    let fixture = try PartitionFixture()
    // LMDB takes the pages back at once only if there are free ones already.
    for _ in 0..<3 {
      try fixture.write { transaction throws(StoreError) in try transaction.put(.data, [2], [1]) }
    }
    try fixture.write { transaction throws(StoreError) in
      try transaction.put(.data, [1], [UInt8](repeating: 1, count: byteCount))
      try transaction.put(.data, [2], [2])
      try transaction.delete(.data, [1])
    }
    return fixture
  }

  private func meta(_ fixture: PartitionFixture) -> MetaPage {
    let bytes = contents(fixture.path)
    let metas = [0, 1].map { number in
      try! MetaPage(
        bytes.span.bytes.extracting(number * 4096..<(number + 1) * 4096), number: UInt64(number),
        offset: 0, file: "f")
    }
    return metas.max { $0.transactionID < $1.transactionID }!
  }

  @Test(arguments: [40 << 10, 16 << 20])
  func `a file that ends before free pages is opened`(byteCount: Int) throws {
    let fixture = try shortFixture(byteCount: byteCount)
    #expect(UInt64(contents(fixture.path).count) < meta(fixture).end)
    #expect(try fixture.open().value(of: [2]) == [2])
    try fixture.write { transaction throws(StoreError) in
      try transaction.put(.data, [3], [UInt8](repeating: 3, count: byteCount))
    }
    #expect(try fixture.open().value(of: [3])?.count == byteCount)
  }

  @Test func `such a file cut at any page is refused, or only free pages are gone`() throws {
    let fixture = try shortFixture(byteCount: 40 << 10)
    let bytes = contents(fixture.path)
    var refusals = 0
    for count in stride(from: 0, to: bytes.count, by: 4096) {
      write(Array(bytes[..<count]), to: fixture.path)
      do {
        #expect(try fixture.open().value(of: [2]) == [2])
        #expect(try fixture.open().makeReader().statistics().entryCount == 1)
      } catch StoreError.corrupted(let finding) {
        #expect(finding.offset == UInt64(count))
        refusals += 1
      }
    }
    #expect(refusals > 0)
  }

  @Test func `a list of free pages with any byte changed never traps the reader`() throws {
    let fixture = try shortFixture(byteCount: 40 << 10)
    let bytes = contents(fixture.path)
    let root = Int(meta(fixture).freeRoot)
    var refusals = 0
    for offset in root * 4096..<(root + 1) * 4096 {
      for value in [0, 0xFF, bytes[offset] ^ 1] as [UInt8] where value != bytes[offset] {
        var changed = bytes
        changed[offset] = value
        write(changed, to: fixture.path)
        if finding({ try DataFileInspection.inspect(fixture.path, leastByteCount: 0) }) != nil {
          refusals += 1
        }
      }
    }
    #expect(refusals > 0)
  }

  @Test func `a file is opened after every chunk of a large delete`() throws {
    let fixture = try PartitionFixture()
    try fixture.write { transaction throws(StoreError) in
      for index in 0..<20_000 {
        try transaction.put(
          .data, Array("key \(100_000 + index)".utf8), [UInt8](repeating: 0, count: 60))
      }
    }
    for chunk in 1...20 {
      try fixture.write { transaction throws(StoreError) in
        try transaction.withCursor { cursor throws(StoreError) in
          var isEntry = try cursor.first()
          for _ in 0..<1000 where isEntry {
            try cursor.deleteCurrent()
            isEntry = try cursor.next()
          }
        }
      }
      #expect(try fixture.open().makeReader().entryCount() == 20_000 - chunk * 1000)
    }
  }
}
