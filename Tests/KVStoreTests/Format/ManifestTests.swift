import Base
import Testing
import TxnWAL

@testable import KVStore

@Suite struct ManifestTests {
  static func manifest(partitionCount: Int) -> Manifest {
    Manifest(
      storeID: StoreID(low: 0x1122_3344_5566_7788, high: 9), segmentByteCount: 64 << 20,
      creationMilliseconds: 1_700_000_000_000, marks: 5,
      partitions: (0..<partitionCount).map {
        .init(leastFileByteCount: UInt64($0) * 4096, leastAppliedLSN: UInt64($0) << 40)
      })
  }

  private func decode(_ bytes: [UInt8]) throws -> Manifest {
    try Manifest.decode(bytes.span.bytes, file: "MANIFEST")
  }

  /// `bytes` with its last four replaced by the sum over the rest.
  private func resealed(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = Array(bytes.dropLast(4))
    bytes.appendLittleEndian(bytes.checksum())
    return bytes
  }

  @Test(arguments: [1, 2, 8, 1024])
  func `what is encoded is decoded`(partitionCount: Int) throws {
    let manifest = Self.manifest(partitionCount: partitionCount)
    #expect(try decode(manifest.encode()) == manifest)
  }

  @Test func `a changed byte anywhere is corruption`() {
    let bytes = Self.manifest(partitionCount: 3).encode()
    for index in bytes.indices {
      for mask in [0x01, 0x80, 0xFF] as [UInt8] {
        var changed = bytes
        changed[index] ^= mask
        #expect(finding { _ = try decode(changed) }?.file == "MANIFEST")
      }
    }
  }

  @Test func `a manifest cut at any byte or lengthened is corruption`() {
    let bytes = Self.manifest(partitionCount: 3).encode()
    for count in 0..<bytes.count {
      #expect(finding { _ = try decode(Array(bytes[..<count])) } != nil)
    }
    #expect(finding { _ = try decode(bytes + [0]) } != nil)
  }

  @Test func `a sound manifest of another version or slot hash is an unsupported format`() {
    for offset in [8, 36] {
      var bytes = Self.manifest(partitionCount: 3).encode()
      bytes[offset] = 2
      let error = #expect(throws: StoreError.self) { _ = try decode(resealed(bytes)) }
      guard case .unsupportedFormat = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test(arguments: [32, 64, 68, 88])
  func `a manifest whose sum is right and whose fields are not is corruption`(offset: Int) {
    var bytes = Self.manifest(partitionCount: 3).encode()
    bytes[offset] ^= 0x07
    #expect(finding { _ = try decode(resealed(bytes)) }?.offset != nil)
  }
}
