import TxnWAL

/// Size limits of keys, values and batches.
public enum Limits {
  /// The most bytes of a key.
  public static let keyByteCount = 500
  /// The most bytes of a stored key, which has the keyspace in front. The longest is an entry of the expiry
  /// index with a user's longest key. LMDB allows 511 bytes.
  static let storedKeyByteCount = 1 + ExpiryIndex.prefixByteCount + keyByteCount
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
  /// The most range tombstones that one batch may make. A range delete makes one in each partition, or in one
  /// partition only if all of its keys are there. All writers wait while the tombstones are indexed: a few
  /// milliseconds for this many.
  public static let tombstonesPerBatch = 8192

  /// How many ranges of keys one batch may delete: 1,024 in a store of eight partitions.
  public static func rangeDeletesPerBatch(partitionCount: Int) -> Int {
    tombstonesPerBatch / partitionCount
  }

  static func check(tombstoneCount: Int, partitionCount: Int) throws(StoreError) {
    guard tombstoneCount <= tombstonesPerBatch else {
      throw .tooManyRangeDeletes(limit: rangeDeletesPerBatch(partitionCount: partitionCount))
    }
  }

  /// Checks a key of `Keyspace.keys`. Throws `.keyTooLong`.
  @inline(__always)
  package static func check(key: RawSpan) throws(StoreError) {
    if key.byteCount > keyByteCount { throw tooLong(key.byteCount, limit: keyByteCount) }
  }

  /// Checks the key of an entry that is read or written. Throws `.keyTooLong`.
  @inline(__always)
  static func check(_ address: EntryAddress) throws(StoreError) {
    if address.key.byteCount > keyByteCount { try check(longKeyOf: address) }
  }

  @inline(never)
  private static func check(longKeyOf address: EntryAddress) throws(StoreError) {
    let limit = address.keyspace == .keys ? keyByteCount : storedKeyByteCount - 1
    if address.key.byteCount > limit { throw tooLong(address.key.byteCount, limit: limit) }
  }

  @inline(never)
  private static func tooLong(_ byteCount: Int, limit: Int) -> StoreError {
    .keyTooLong(byteCount: byteCount, limit: limit)
  }

  package static func check(value: RawSpan) throws(StoreError) {
    guard value.byteCount <= valueByteCount else {
      throw .valueTooLarge(byteCount: value.byteCount, limit: valueByteCount)
    }
  }

  /// A bound may be one byte longer than a key: the successor of the longest key.
  static func check(range: KeyRange, in keyspace: Keyspace = .keys) throws(StoreError) {
    let limit = 1 + (keyspace == .keys ? keyByteCount : storedKeyByteCount - 1)
    let byteCount = max(range.lower.count, range.upper?.count ?? 0)
    if byteCount > limit { throw tooLong(byteCount, limit: limit) }
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
