import Base

/// A range delete that is committed but not fully carried out: everything in the range that is older than
/// `sequence` is invisible, and is removed chunk by chunk.
///
///     offset  size  field
///          0     4  CRC-32C over the rest, seeded by the store
///          4     1  bit 0: there is an upper bound; bit 1: there is a position; other bits zero
///          5     1  keyspace of the range
///          6     2  byte count of the lower bound
///          8     2  byte count of the upper bound, 0 if there is none
///         10     2  byte count of the position, 0 if there is none
///         12     8  sequence
///         20     8  LSN at which its log record ends
///         28     4  ordinal
///         32     …  lower bound, upper bound: keys; position: a stored key
struct RangeTombstone: Sendable, Equatable {
  private static let headerByteCount = 32

  /// Identifies a range delete: a batch may have several, which share one sequence.
  struct ID: Hashable, Comparable, Sendable {
    var sequence: SequenceNumber
    /// The index among the range deletes of the same batch.
    var ordinal: UInt32 = 0

    static func < (one: ID, other: ID) -> Bool {
      (one.sequence, one.ordinal) < (other.sequence, other.ordinal)
    }

    /// Big-endian, so that LMDB's byte order is the order of the deletes.
    var storedKey: [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: sequence >> (56 - 8 * UInt64($0))) }
        + (0..<4).map { UInt8(truncatingIfNeeded: ordinal >> (24 - 8 * UInt32($0))) }
    }
  }

  var sequence: SequenceNumber
  var ordinal: UInt32 = 0
  var lsn: UInt64
  var keyspace = Keyspace.keys
  /// The first key of the range.
  var lower: [UInt8]
  /// The first key after the range; nil if the range has no end.
  var upper: [UInt8]?
  /// Below this stored key, everything that this range delete or an older one hides has been removed: they are
  /// carried out together, up to this one, and may be of several keyspaces. Nil if nothing has been removed yet. Written in the same LMDB
  /// transaction as the removals, so that after a crash the work continues from there.
  var position: [UInt8]?

  var id: ID { ID(sequence: sequence, ordinal: ordinal) }

  /// The range that it deletes.
  var range: StoredRange { KeyRange(from: lower, to: upper).storedKeys(in: keyspace) }

  /// Each of the three byte strings has at most 65,535 bytes.
  func encode(seed: UInt32) -> [UInt8] {
    var body: [UInt8] = [(upper == nil ? 0 : 1) | (position == nil ? 0 : 2), keyspace.rawValue]
    body.appendLittleEndian(UInt16(lower.count))
    body.appendLittleEndian(UInt16(upper?.count ?? 0))
    body.appendLittleEndian(UInt16(position?.count ?? 0))
    body.appendLittleEndian(sequence)
    body.appendLittleEndian(lsn)
    body.appendLittleEndian(ordinal)
    body += lower + (upper ?? []) + (position ?? [])
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(body.checksum(seed: seed))
    return bytes + body
  }

  /// - Throws: `.corrupted` for anything that `encode` did not write.
  static func decode(_ bytes: RawSpan, seed: UInt32, file: String) throws(StoreError)
    -> RangeTombstone
  {
    guard bytes.byteCount >= headerByteCount,
      bytes.load(at: 0, as: UInt32.self)
        == CRC32C.checksum(bytes.extracting(4..<bytes.byteCount), seed: seed)
    else { throw damage(file, "\(bytes.byteCount) bytes that fail verification") }

    let flags = bytes.load(at: 4, as: UInt8.self)
    let keyspace = Keyspace(rawValue: bytes.load(at: 5, as: UInt8.self))
    let lowerCount = Int(bytes.load(at: 6, as: UInt16.self))
    let upperCount = Int(bytes.load(at: 8, as: UInt16.self))
    let positionCount = Int(bytes.load(at: 10, as: UInt16.self))
    let upperStart = headerByteCount + lowerCount
    let positionStart = upperStart + upperCount
    guard flags <= 3, let keyspace, bytes.byteCount == positionStart + positionCount,
      flags & 1 != 0 || upperCount == 0, flags & 2 != 0 || positionCount == 0
    else { throw damage(file, "\(bytes.byteCount) bytes with flags \(flags)") }

    func part(_ range: Range<Int>) -> [UInt8] { Array(copying: bytes.extracting(range)) }
    return RangeTombstone(
      sequence: bytes.load(at: 12, as: UInt64.self),
      ordinal: bytes.load(at: 28, as: UInt32.self),
      lsn: bytes.load(at: 20, as: UInt64.self), keyspace: keyspace,
      lower: part(headerByteCount..<upperStart),
      upper: flags & 1 != 0 ? part(upperStart..<positionStart) : nil,
      position: flags & 2 != 0 ? part(positionStart..<bytes.byteCount) : nil)
  }

  private static func damage(_ file: String, _ found: String) -> StoreError {
    .corrupted(
      Finding(file: file, expected: "a range tombstone with a valid checksum", found: found))
  }
}
