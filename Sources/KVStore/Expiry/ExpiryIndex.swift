import Base

/// The index of expiries: for every entry with an expiry, one internal key without a value, in the entry's partition.
///
///     00 02 | milliseconds since 1970, u48 big-endian | key of the entry
///
/// Forty-eight bits keep the longest key within LMDB's limit and last until the year 10889; later expiries
/// are indexed under that time. An index entry only says that there may be something to do: the entry that it
/// names may have been rewritten since, or be gone.
public enum ExpiryIndex {
  static let prefixByteCount = 8
  private static let latest: UInt64 = 1 << 48 - 1

  /// The index keys of everything that expires at or before `milliseconds`.
  public static func range(upTo milliseconds: UInt64) -> KeyRange {
    guard milliseconds < latest else {
      return KeyRange(from: prefix(0).dropLast(6), to: [0, InternalKey.Kind.clock.rawValue])
    }
    return KeyRange(from: prefix(0).dropLast(6), to: prefix(milliseconds + 1))
  }

  /// The expiry in `indexKey`, and the range of the entry's key in it; nil if it is not an index key.
  public static func parse(_ indexKey: RawSpan) -> (expiry: UInt64, key: Range<Int>)? {
    guard indexKey.byteCount >= prefixByteCount, indexKey.load(at: 0, as: UInt8.self) == 0,
      indexKey.load(at: 1, as: UInt8.self) == InternalKey.Kind.expiryIndex.rawValue
    else { return nil }
    let expiry = indexKey.load(at: 0, as: UInt64.self).byteSwapped & latest
    return (expiry, prefixByteCount..<indexKey.byteCount)
  }

  /// The time under which `expiry` is indexed.
  static func time(_ expiry: UInt64) -> UInt64 { min(expiry, latest) }

  /// The first eight bytes of an index key, read as a big-endian number.
  static func prefixWord(_ expiry: UInt64) -> UInt64 {
    UInt64(InternalKey.Kind.expiryIndex.rawValue) << 48 | time(expiry)
  }

  private static func prefix(_ expiry: UInt64) -> [UInt8] {
    let word = prefixWord(expiry)
    return (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
  }
}
