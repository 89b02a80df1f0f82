import TxnWAL

/// What a key, a value and a batch may measure.
public enum Limits {
  /// The bytes of a key.
  public static let keyByteCount = 500
  /// The bytes of a key that begins with 0x00: an internal one, or a user's with one more 0x00 before it.
  /// The longest is that of the index of expiries, with a user's longest key in it. LMDB takes 511 bytes, one
  /// of which is the keyspace byte.
  public static let specialKeyByteCount = ExpiryIndex.prefixByteCount + keyByteCount + 1
  /// The bytes of one value.
  public static let valueByteCount = 64 << 20
  /// The bytes of all keys and values of a batch: a largest value with a longest key is a batch.
  public static let batchByteCount = valueByteCount + specialKeyByteCount

  static func check(key: RawSpan) throws(StoreError) {
    if key.byteCount > keyByteCount { try check(longKey: key) }
  }

  private static func check(longKey key: RawSpan) throws(StoreError) {
    let limit = key.beginsWithZero ? specialKeyByteCount : keyByteCount
    guard key.byteCount <= limit else {
      throw .keyTooLong(byteCount: key.byteCount, limit: limit)
    }
  }

  static func check(value: RawSpan) throws(StoreError) {
    guard value.byteCount <= valueByteCount else {
      throw .valueTooLarge(byteCount: value.byteCount, limit: valueByteCount)
    }
  }

  /// A bound may be one byte longer than a key: the successor of the longest key.
  static func check(range: KeyRange) throws(StoreError) {
    try check(bound: range.lower)
    if let upper = range.upper { try check(bound: upper) }
  }

  private static func check(bound: [UInt8]) throws(StoreError) {
    let limit = 1 + (bound.first == 0 ? specialKeyByteCount : keyByteCount)
    guard bound.count <= limit else {
      throw .keyTooLong(byteCount: bound.count, limit: limit)
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
