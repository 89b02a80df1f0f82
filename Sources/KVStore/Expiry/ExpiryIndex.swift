import Base

/// The index of expiries: for every entry of `Keyspace.keys` with an expiry, one entry without a value in
/// `Keyspace.expiries`, in the same partition.
///
///     milliseconds since 1970, u64 big-endian | key of the entry
///
/// An index entry only says that there may be something to do: the entry that it names may have been
/// rewritten since, or be gone.
public enum ExpiryIndex {
  static let prefixByteCount = 8

  /// The index keys of everything that expires at or before `milliseconds`.
  public static func range(upTo milliseconds: UInt64) -> KeyRange {
    KeyRange(to: milliseconds == .max ? nil : prefix(milliseconds + 1))
  }

  /// The expiry in `indexKey`, and the range of the entry's key in it; nil if it is not an index key.
  public static func parse(_ indexKey: RawSpan) -> (expiry: UInt64, key: Range<Int>)? {
    guard indexKey.byteCount >= prefixByteCount else { return nil }
    return (
      indexKey.load(at: 0, as: UInt64.self).byteSwapped, prefixByteCount..<indexKey.byteCount
    )
  }

  private static func prefix(_ expiry: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: expiry >> (56 - 8 * UInt64($0))) }
  }
}
