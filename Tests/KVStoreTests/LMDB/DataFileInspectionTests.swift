import Base
import Glibc
import Testing

@testable import KVStore

/// Each damage is one that LMDB would abort on, take SIGBUS on, or take for an empty database.
@Suite struct DataFileInspectionTests {
  private let fixture: PartitionFixture

  init() throws {
    fixture = try PartitionFixture()
    try fixture.write { transaction throws(StoreError) in
      for index in 0..<200 {
        try transaction.put(.data, [UInt8(index)], [UInt8](repeating: 7, count: 300))
      }
    }
  }

  private func openFinding(leastByteCount: UInt64 = 0) -> Finding? {
    finding { _ = try fixture.open(leastByteCount: leastByteCount) }
  }

  @Test func `a sound file is opened`() throws {
    _ = try fixture.open(leastByteCount: UInt64(contents(fixture.path).count))
  }

  @Test func `a missing file, and a missing directory, are refused`() throws {
    #expect(Glibc.unlink(fixture.path) == 0)
    #expect(openFinding()?.found == "no such file")
    #expect(Glibc.unlink(fixture.directory.path + "/lock.mdb") == 0)
    #expect(Glibc.rmdir(fixture.directory.path) == 0)
    #expect(openFinding()?.found == "no such file")
  }

  @Test func `a file cut at any page, or within its meta pages, is refused`() throws {
    let bytes = contents(fixture.path)
    let cuts = Array(stride(from: 0, to: bytes.count, by: 4096)) + [1, 151, 4097, bytes.count - 1]
    for count in cuts {
      write(Array(bytes[..<count]), to: fixture.path)
      #expect(openFinding()?.file == fixture.path, "cut at \(count)")
    }
  }

  @Test func `a file smaller than the manifest remembers is refused with both sizes`() {
    let count = contents(fixture.path).count
    let finding = openFinding(leastByteCount: UInt64(count) + 1)
    #expect(finding?.expected.contains("\(count + 1)") == true)
    #expect(finding?.found.contains("\(count)") == true)
  }

  @Test(arguments: [0, 4096], [0, 16, 24])
  func `a meta page zeroed from any place is refused`(page: Int, from: Int) {
    var bytes = contents(fixture.path)
    for index in page + from..<page + MetaPage.byteCount { bytes[index] = 0 }
    write(bytes, to: fixture.path)
    let offset = Int(openFinding()?.offset ?? .max)
    #expect((page..<page + MetaPage.byteCount).contains(offset))
  }

  /// Story: a write of a meta page failed. LMDB put its old last page and transaction id back and left
  /// the new roots, which lay behind that last page; the store was refused ever after, whole as it was.
  @Test func `a meta page that LMDB took back after a failed write is no damage`() throws {
    let meta = 4096
    let before = contents(fixture.path)
    try fixture.write { transaction throws(StoreError) in
      for index in 0..<200 {
        try transaction.put(.data, [UInt8(index), 1], [UInt8](repeating: 8, count: 3000))
      }
    }
    var bytes = contents(fixture.path)
    #expect(before[meta..<2 * meta] != bytes[meta..<2 * meta], "the page of this transaction")
    bytes.replaceSubrange(meta + 136..<meta + 152, with: before[meta + 136..<meta + 152])
    let (root, lastPage) = bytes.withUnsafeBytes {
      (
        $0.loadUnaligned(fromByteOffset: meta + 128, as: UInt64.self),
        $0.loadUnaligned(fromByteOffset: meta + 136, as: UInt64.self)
      )
    }
    #expect(root > lastPage)
    write(bytes, to: fixture.path)
    #expect(try fixture.open().value(of: [1]) == [UInt8](repeating: 7, count: 300))
    #expect(try fixture.open().value(of: [1, 1]) == nil)
    try fixture.write { transaction throws(StoreError) in try transaction.put(.data, [1], [9]) }
    #expect(try fixture.open().value(of: [1]) == [9])
  }

  @Test func `a file of zeros is refused`() {
    write([UInt8](repeating: 0, count: contents(fixture.path).count), to: fixture.path)
    #expect(openFinding()?.offset != nil)
  }

  @Test(arguments: [0, 4096])
  func `another data version is an unsupported format`(page: Int) {
    var bytes = contents(fixture.path)
    bytes[page + 20] = 2
    write(bytes, to: fixture.path)
    #expect(
      throws: StoreError.unsupportedFormat(
        path: fixture.path, found: "LMDB data version 2", supported: "LMDB data version 1")
    ) {
      _ = try fixture.open()
    }
  }

  @Test func `a meta page with any bit changed is refused or survived`() throws {
    let bytes = contents(fixture.path)
    for offset in (0..<2).flatMap({ $0 * 4096..<$0 * 4096 + MetaPage.byteCount }) {
      for bit in 0..<8 {
        var changed = bytes
        changed[offset] ^= 1 << bit
        write(changed, to: fixture.path)
        // Reaching the next bit is what is asked for: LMDB must not have aborted.
        guard let environment = try? fixture.open() else { continue }
        _ = try? environment.value(of: [1])
        _ = try? environment.makeReader().statistics()
        try? environment.write { transaction throws(StoreError) in
          try transaction.put(.data, [1], [1])
        }
      }
    }
    write(bytes, to: fixture.path)
    #expect(try fixture.open().value(of: [1]) == [UInt8](repeating: 7, count: 300))
  }
}
