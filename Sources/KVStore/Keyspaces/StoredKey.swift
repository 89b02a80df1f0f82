import Base

/// The form in which an address is stored, in the log, in memtables and in LMDB: the byte of the keyspace,
/// then the key's own bytes. It is never empty, and sorts by keyspace first.
enum StoredKey {
  /// LMDB's limit, compiled into Debian's library (`mdb_env_get_maxkeysize`).
  static let byteLimit = 511

  /// How many bytes of a range's bound to seek with. A bound may be longer than any key; cut to one byte more
  /// than the longest key, it still lies between the same two keys.
  static func seekByteCount(of bound: RawSpan) -> Int {
    min(bound.byteCount, Limits.storedKeyByteCount + 1)
  }

  /// - Throws: `.keyTooLong`.
  @inline(__always)
  static func check(byteCount: Int) throws(StoreError) {
    guard byteCount <= Limits.storedKeyByteCount else {
      throw .keyTooLong(byteCount: byteCount - 1, limit: Limits.storedKeyByteCount - 1)
    }
  }
}

extension KeyRange {
  /// The stored form of the range's bounds in `keyspace`.
  func storedKeys(in keyspace: Keyspace) -> StoredRange {
    StoredRange(
      lower: [keyspace.rawValue] + lower,
      upper: upper.map { [keyspace.rawValue] + $0 } ?? [keyspace.rawValue + 1])
  }
}

/// A range of stored keys, from `lower` (inclusive) to `upper` (exclusive).
struct StoredRange: Equatable, Sendable {
  var lower: [UInt8]
  var upper: [UInt8]

  var isEmpty: Bool { !lower.isBefore(upper) }

  /// The bytes of both bounds.
  var byteCount: Int { lower.count + upper.count }
}
