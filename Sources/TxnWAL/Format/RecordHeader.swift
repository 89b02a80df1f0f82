import Base

/// The frame around every record of the log, little-endian:
///
///     offset  size  field
///          0     4  CRC-32C, seeded per store, over everything after it up to the padded end
///          4     4  payload byte count, without padding
///          8     8  LSN of the record itself
///         16     4  synced distance: everything up to (LSN − this) was durable when the record was written;
///                   all ones if the distance does not fit, which states nothing
///         20     4  epoch
///         24     8  transaction counter
///         32     1  kind
///         33     7  zero
///         40     n  payload, then zeros to a multiple of 8
///
/// The record's own LSN tells a live record from a stale one in a recycled segment. The epoch tells it from what an
/// earlier crash left after a torn tail: epochs never decrease along the log. The synced distance tells a torn tail
/// from corruption, see `TailInspector`. The checksum seed is derived from the store id, so no value that a client
/// stores can pass for a record.
struct RecordHeader: Equatable {
  static let byteCount = 40
  /// Records begin and end at multiples of this.
  static let alignment = 8
  /// The least log space of a transaction with a sequence: a batch of one section without mutations.
  static let leastBatchByteCount = byteCount + 8 + Section.headerByteCount
  /// Enough for 64 MiB of keys and values plus the framing of a few million mutations.
  static let maximumPayloadByteCount = 256 << 20

  var payloadByteCount: Int
  var lsn: LSN
  var syncedDistance: UInt32
  var transaction: TransactionID
  var kind: RecordKind

  /// The number of bytes that the whole record takes in the log.
  var recordByteCount: Int { Self.recordByteCount(payload: payloadByteCount) }

  /// The LSN just after the record.
  var end: LSN { lsn.advanced(by: recordByteCount) }

  /// The LSN up to which everything was durable when this record was written.
  var syncedLSN: LSN {
    if syncedDistance == .max { return .zero }
    return LSN(rawValue: lsn.rawValue - min(UInt64(syncedDistance), lsn.rawValue))
  }

  static func recordByteCount(payload: Int) -> Int {
    byteCount + (payload + alignment - 1) / alignment * alignment
  }

  /// The header at `offset` of `bytes`, or nil if it cannot belong to a record at `lsn`. The checksum is not
  /// verified: the payload may not have been read yet.
  static func parse(_ bytes: RawSpan, at offset: Int, expecting lsn: LSN) -> RecordHeader? {
    guard bytes.byteCount - offset >= byteCount else { return nil }
    guard
      bytes.load(at: offset + 8, as: UInt64.self) == lsn.rawValue
        || DeliberateBug.acceptsStaleRecords.isOn
    else { return nil }
    let payloadByteCount = Int(bytes.load(at: offset + 4, as: UInt32.self))
    // The kind and the seven zero bytes after it, in one load.
    let kindWord = bytes.load(at: offset + 32, as: UInt64.self)
    guard payloadByteCount <= maximumPayloadByteCount,
      kindWord <= UInt64(UInt8.max),
      let kind = RecordKind(rawValue: UInt8(kindWord))
    else { return nil }
    return RecordHeader(
      payloadByteCount: payloadByteCount,
      lsn: lsn,
      syncedDistance: bytes.load(at: offset + 16, as: UInt32.self),
      transaction: TransactionID(
        epoch: bytes.load(at: offset + 20, as: UInt32.self),
        counter: bytes.load(at: offset + 24, as: UInt64.self)),
      kind: kind)
  }

  /// Whether the record at `offset` has a valid checksum. All of it must lie in `bytes`.
  func checksOut(_ bytes: RawSpan, at offset: Int, seed: UInt32) -> Bool {
    let covered = bytes.extracting(offset + 4..<offset + recordByteCount)
    return CRC32C.checksum(covered, seed: seed) == bytes.load(at: offset, as: UInt32.self)
  }

  /// Writes the header before a payload already in `bytes`, and the checksum over both.
  func seal(_ bytes: inout MutableRawSpan, at offset: Int, seed: UInt32) {
    bytes.store(UInt32(payloadByteCount), at: offset + 4)
    bytes.store(lsn.rawValue, at: offset + 8)
    bytes.store(syncedDistance, at: offset + 16)
    bytes.store(transaction.epoch, at: offset + 20)
    bytes.store(transaction.counter, at: offset + 24)
    bytes.store(UInt64(kind.rawValue), at: offset + 32)
    let end = offset + recordByteCount
    let checksum = CRC32C.checksum(bytes.bytes.extracting(offset + 4..<end), seed: seed)
    bytes.store(checksum, at: offset)
  }
}
