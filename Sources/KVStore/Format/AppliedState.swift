import Base

/// How far the log is applied to a partition's LMDB file; recovery replays the log from here. Written in the
/// same LMDB transaction as the last entries that it covers.
///
///     offset  size  field
///          0     4  CRC-32C over the rest, seeded by the store
///          4     4  format version of the partition's entries: 3
///          8     8  applied LSN: everything in the log below it is in the file
///         16     8  applied sequence: the newest batch in the file
///         24     8  how many of the file's entries are not of `Keyspace.keys`
///
/// Versions 1 and 2 had no keyspaces.
struct AppliedState: Sendable, Equatable {
  static let byteCount = 32
  static let formatVersion: UInt32 = 3
  private static let byteCountOfVersion1 = 24

  var lsn: UInt64
  var sequence: SequenceNumber
  /// How many entries of the file are not users' (`Keyspace.keys`).
  var otherEntryCount = 0

  func encode(seed: UInt32) -> [UInt8] {
    var body: [UInt8] = []
    body.appendLittleEndian(Self.formatVersion)
    body.appendLittleEndian(lsn)
    body.appendLittleEndian(sequence)
    body.appendLittleEndian(UInt64(otherEntryCount))
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(body.checksum(seed: seed))
    return bytes + body
  }

  /// - Throws: `.corrupted`, or `.unsupportedFormat` for a valid record of another version.
  static func decode(_ bytes: RawSpan, seed: UInt32, file: String) throws(StoreError)
    -> AppliedState
  {
    guard bytes.byteCount == byteCount || bytes.byteCount == byteCountOfVersion1,
      bytes.load(at: 0, as: UInt32.self)
        == CRC32C.checksum(bytes.extracting(4..<bytes.byteCount), seed: seed)
    else {
      throw .corrupted(
        Finding(
          file: file, expected: "an applied state of \(byteCount) bytes with a valid checksum",
          found: "\(bytes.byteCount) bytes that fail verification"))
    }
    let version = bytes.load(at: 4, as: UInt32.self)
    guard version == formatVersion, bytes.byteCount == byteCount else {
      throw .unsupportedFormat(
        path: file, found: "partition format \(version)",
        supported: "partition format \(formatVersion)")
    }
    return AppliedState(
      lsn: bytes.load(at: 8, as: UInt64.self), sequence: bytes.load(at: 16, as: UInt64.self),
      otherEntryCount: Int(clamping: bytes.load(at: 24, as: UInt64.self)))
  }
}
