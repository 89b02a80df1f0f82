import TxnWAL

/// What a key, a value and a batch may measure.
public enum Limits {
  /// LMDB takes keys of 511 bytes; one is the keyspace byte, the rest is kept for later.
  public static let keyByteCount = 500
  /// The bytes of one value.
  public static let valueByteCount = 64 << 20
  /// The bytes of all keys and values of a batch: a largest value with a longest key is a batch.
  public static let batchByteCount = valueByteCount + keyByteCount

  static func check(key: RawSpan) throws(StoreError) {
    guard key.byteCount <= keyByteCount else {
      throw .keyTooLong(byteCount: key.byteCount, limit: keyByteCount)
    }
  }

  static func check(value: RawSpan) throws(StoreError) {
    guard value.byteCount <= valueByteCount else {
      throw .valueTooLarge(byteCount: value.byteCount, limit: valueByteCount)
    }
  }

  /// A bound may be one byte longer than a key: the successor of the longest key.
  static func check(range: KeyRange) throws(StoreError) {
    let longest = max(range.lower.count, range.upper?.count ?? 0)
    guard longest <= keyByteCount + 1 else {
      throw .keyTooLong(byteCount: longest, limit: keyByteCount + 1)
    }
  }

  /// `contentByteCount` are the keys and values, `recordByteCount` what they take in the log.
  static func check(
    contentByteCount: Int, recordByteCount: Int
  ) throws(StoreError) {
    guard contentByteCount <= batchByteCount else {
      throw .batchTooLarge(byteCount: contentByteCount, limit: batchByteCount)
    }
    try check(recordByteCount: recordByteCount)
  }

  static func check(recordByteCount: Int) throws(StoreError) {
    guard recordByteCount <= Sequencer.maximumPayloadByteCount else {
      throw .batchTooLarge(
        byteCount: recordByteCount, limit: Sequencer.maximumPayloadByteCount)
    }
  }
}
