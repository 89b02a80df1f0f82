import TxnWAL

/// Size limits of keys, values and batches.
public enum Limits {
  /// The most bytes of a key.
  public static let keyByteCount = 500
  /// The most bytes of a key that begins with 0x00. Layers above put one more 0x00 before such keys of their
  /// users, to keep them apart from internal ones.
  public static let zeroKeyByteCount = keyByteCount + 1
  /// The most bytes of an internal key. The longest is an entry of the expiry index with a user's longest
  /// key. LMDB allows 511 bytes, one of which is the keyspace byte.
  package static let internalKeyByteCount = ExpiryIndex.prefixByteCount + zeroKeyByteCount
  /// The most bytes of one value.
  public static let valueByteCount = 64 << 20
  /// What each mutation of a batch counts in addition to its key and value. It is slightly more than an entry takes in
  /// a memtable besides those (146 to 151 bytes at most for keys of 1 to 8 bytes, including its version and its places
  /// in the hash index, the list and the ordered run), and more than what frames it in the log.
  public static let mutationByteCount = 160
  /// The most that a batch may count: the bytes of all its keys and values, and `mutationByteCount` for each mutation.
  /// One put of the largest value under the longest key with an expiry fits; so do 400,000 puts of a few bytes.
  ///
  /// So a batch takes no more memory than this once it is ordered, and no more log.
  public static let batchByteCount = valueByteCount + (64 << 10)
  /// The most range tombstones that one batch may make. A range delete makes one in each partition, or two if
  /// it covers keys on both sides of the internal ones. Deleting a map with more fields than are deleted one
  /// by one makes one, in the map's partition. All writers wait while the tombstones are indexed: a few
  /// milliseconds for this many.
  public static let tombstonesPerBatch = 8192

  /// How many ranges of keys one batch may delete: 1,024 in a store of eight partitions. A range with keys on
  /// both sides of the internal ones counts twice.
  public static func rangeDeletesPerBatch(partitionCount: Int) -> Int {
    tombstonesPerBatch / partitionCount
  }

  static func check(tombstoneCount: Int, partitionCount: Int) throws(StoreError) {
    guard tombstoneCount <= tombstonesPerBatch else {
      throw .tooManyRangeDeletes(limit: rangeDeletesPerBatch(partitionCount: partitionCount))
    }
  }

  /// Checks a key that a user writes. Throws `.keyTooLong`, and `.reservedKey` for internal keys.
  @inline(__always)
  package static func check(key: RawSpan) throws(StoreError) {
    if key.byteCount > keyByteCount || key.beginsWithZero { try check(unusualKey: key) }
  }

  @inline(never)
  private static func check(unusualKey key: RawSpan) throws(StoreError) {
    if InternalKey.contains(key) { throw .reservedKey }
    try check(stored: key)
  }

  /// Checks a key that is read or written, a user's or an internal one. It fits with an expiry too, except
  /// for the longest internal ones.
  static func check(stored key: RawSpan) throws(StoreError) {
    guard key.byteCount > keyByteCount else { return }
    let limit =
      InternalKey.contains(key)
      ? internalKeyByteCount : key.beginsWithZero ? zeroKeyByteCount : keyByteCount
    guard key.byteCount <= limit else {
      throw .keyTooLong(byteCount: key.byteCount, limit: limit)
    }
  }

  /// Checks a key with an expiry, which is stored in the expiry index after a prefix.
  static func check(expiring key: RawSpan) throws(StoreError) {
    guard key.byteCount <= zeroKeyByteCount else {
      throw .keyTooLong(byteCount: key.byteCount, limit: zeroKeyByteCount)
    }
  }

  package static func check(value: RawSpan) throws(StoreError) {
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
    let limit = 1 + (bound.first == 0 ? internalKeyByteCount : keyByteCount)
    guard bound.count <= limit else {
      throw .keyTooLong(byteCount: bound.count, limit: limit)
    }
  }

  /// `byteCount` is the size as `batchByteCount` counts it.
  static func check(batchByteCount byteCount: Int) throws(StoreError) {
    guard byteCount <= batchByteCount else {
      throw .batchTooLarge(byteCount: byteCount, limit: batchByteCount)
    }
  }

  static func check(recordByteCount: Int) throws(StoreError) {
    guard recordByteCount <= Sequencer.maximumPayloadByteCount else {
      throw .batchTooLarge(
        byteCount: recordByteCount, limit: Sequencer.maximumPayloadByteCount)
    }
  }
}
