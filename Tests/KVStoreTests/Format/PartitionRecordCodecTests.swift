import Base
import Testing

@testable import KVStore

/// The small records of a partition: identity, applied state, range tombstone.
@Suite struct PartitionRecordCodecTests {
  private static let tombstones = [
    RangeTombstone(sequence: 1, lsn: 2, lower: [], upper: nil, position: nil),
    RangeTombstone(
      sequence: .max, ordinal: .max, lsn: .max, lower: [0], upper: [], position: []),
    RangeTombstone(
      sequence: 9, lsn: 8, lower: Array(repeating: 1, count: 500),
      upper: Array(repeating: 2, count: 500), position: Array(repeating: 3, count: 500)),
    RangeTombstone(
      sequence: 9, lsn: 8, keyspace: .owned, lower: [], upper: nil, position: [0x40, 1]),
  ]

  @Test func `an applied state survives its encoding`() throws {
    let state = AppliedState(lsn: 123, sequence: .max, otherEntryCount: 77)
    #expect(
      try AppliedState.decode(state.encode(seed: 5).span.bytes, seed: 5, file: "f") == state)
  }

  /// It had no count of other entries, so its record was shorter.
  @Test func `an applied state of version 1 is an unsupported format`() throws {
    var body: [UInt8] = []
    body.appendLittleEndian(1 as UInt32)
    body.appendLittleEndian(123 as UInt64)
    body.appendLittleEndian(45 as UInt64)
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(body.checksum(seed: 5))
    bytes += body
    let error = #expect(throws: StoreError.self) {
      try AppliedState.decode(bytes.span.bytes, seed: 5, file: "f")
    }
    guard case .unsupportedFormat = error else {
      Issue.record("\(error as Any)")
      return
    }
  }

  @Test(arguments: [0, 1, 2, 4, .max] as [UInt32])
  func `an applied state of another version is an unsupported format`(version: UInt32) {
    var body: [UInt8] = []
    body.appendLittleEndian(version)
    body += [UInt8](repeating: 0, count: 24)
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(body.checksum(seed: 5))
    bytes += body
    #expect(
      throws: StoreError.unsupportedFormat(
        path: "f", found: "partition format \(version)", supported: "partition format 3")
    ) { _ = try AppliedState.decode(bytes.span.bytes, seed: 5, file: "f") }
  }

  @Test func `an identity survives its encoding`() throws {
    let identity = PartitionIdentity(storeID: .random(), partitionIndex: 1023)
    #expect(try PartitionIdentity.decode(identity.encode().span.bytes, file: "f") == identity)
  }

  @Test(arguments: tombstones)
  func `a tombstone survives its encoding`(tombstone: RangeTombstone) throws {
    let bytes = tombstone.encode(seed: 5)
    #expect(try RangeTombstone.decode(bytes.span.bytes, seed: 5, file: "f") == tombstone)
  }

  @Test func `a record changed in any byte, cut, lengthened or of another store is corruption`() {
    let state = AppliedState(lsn: 1, sequence: 2).encode(seed: 5)
    let identity = PartitionIdentity(storeID: .random(), partitionIndex: 3).encode()
    let tombstone = Self.tombstones[2].encode(seed: 5)
    expectRefusals(of: state) { _ = try AppliedState.decode($0.span.bytes, seed: 5, file: "f") }
    expectRefusals(of: identity) { _ = try PartitionIdentity.decode($0.span.bytes, file: "f") }
    expectRefusals(of: tombstone) {
      _ = try RangeTombstone.decode($0.span.bytes, seed: 5, file: "f")
    }
    #expect(finding { _ = try AppliedState.decode(state.span.bytes, seed: 6, file: "f") } != nil)
    #expect(
      finding { _ = try RangeTombstone.decode(tombstone.span.bytes, seed: 6, file: "f") } != nil)
  }

  private func expectRefusals(of bytes: [UInt8], by decode: ([UInt8]) throws -> Void) {
    for index in bytes.indices {
      for mask in [0x01, 0x80, 0xFF] as [UInt8] {
        var changed = bytes
        changed[index] ^= mask
        #expect(finding { try decode(changed) } != nil)
      }
      #expect(finding { try decode(Array(bytes[..<index])) } != nil)
    }
    #expect(finding { try decode(bytes + [0]) } != nil)
  }

  @Test(arguments: [4, 5, 6, 8, 10])
  func `a tombstone whose sum is right and whose fields are not is corruption`(offset: Int) {
    var bytes = Self.tombstones[0].encode(seed: 5)
    bytes[offset] ^= 0xC4
    bytes.removeFirst(4)
    var sealed: [UInt8] = []
    sealed.appendLittleEndian(bytes.checksum(seed: 5))
    sealed += bytes
    #expect(
      finding { _ = try RangeTombstone.decode(sealed.span.bytes, seed: 5, file: "f") } != nil)
  }

  @Test func `keys of tombstones sort by sequence and then by ordinal`() {
    let sequences: [SequenceNumber] = [0, 1, 255, 256, 65_535, 1 << 40, .max]
    let keys = sequences.flatMap { sequence in
      ([0, 1, 255, 256, .max] as [UInt32]).map { ordinal in
        RangeTombstone.ID(sequence: sequence, ordinal: ordinal).storedKey
      }
    }
    #expect(keys == keys.shuffled().sorted { $0.lexicographicallyPrecedes($1) })
  }
}
