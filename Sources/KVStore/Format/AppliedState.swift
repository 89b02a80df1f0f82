import TxnWAL

/// How far a partition's LMDB file has come: recovery replays the log from here. Written in the same
/// LMDB transaction as the last entries it speaks of.
///
///     offset  size  field
///          0     4  CRC-32C over the rest, seeded by the store
///          4     4  format version of the partition's entries (1)
///          8     8  applied LSN: everything in the log below it is in the file
///         16     8  applied sequence: the newest batch in the file
struct AppliedState: Sendable, Equatable {
  static let byteCount = 24
  static let formatVersion: UInt32 = 1

  var lsn: UInt64
  var sequence: SequenceNumber

  func encode(seed: UInt32) -> [UInt8] {
    var body: [UInt8] = []
    body.appendLittleEndian(Self.formatVersion)
    body.appendLittleEndian(lsn)
    body.appendLittleEndian(sequence)
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(body.checksum(seed: seed))
    return bytes + body
  }

  /// - Throws: `.corrupted`, or `.unsupportedFormat` for a sound record of another version.
  static func decode(_ bytes: RawSpan, seed: UInt32, file: String) throws(StoreError)
    -> AppliedState
  {
    guard bytes.byteCount == byteCount,
      bytes.load(at: 0, as: UInt32.self)
        == CRC32C.checksum(bytes.extracting(4..<bytes.byteCount), seed: seed)
    else {
      throw .corrupted(
        Finding(
          file: file, expected: "an applied state of \(byteCount) bytes with its checksum",
          found: "\(bytes.byteCount) bytes that do not check out"))
    }
    let version = bytes.load(at: 4, as: UInt32.self)
    guard version == formatVersion else {
      throw .unsupportedFormat(
        path: file, found: "partition format \(version)", supported: "\(formatVersion)")
    }
    return AppliedState(
      lsn: bytes.load(at: 8, as: UInt64.self), sequence: bytes.load(at: 16, as: UInt64.self))
  }
}
