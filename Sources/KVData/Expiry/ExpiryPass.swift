import KVStore
import TxnWAL

/// Removes what has expired, a chunk at a time, the oldest first.
struct ExpiryPass {
  /// So many entries of the index are looked at in one batch, while all writers wait.
  static let chunkCount = 64
  /// A batch may still put something into the index whose time came while it was made, and which a walk
  /// that had come further would miss.
  private static let settlingMilliseconds: UInt64 = 1000
  private static let overhead = 64

  private let store: Store
  private let reader: Reader
  private var walk = ExpiryWalk()
  private(set) var removedCount: UInt64 = 0

  /// `reader` is the pass's own, and ended by it after each chunk.
  init(_ store: Store, _ reader: Reader) {
    self.store = store
    self.reader = reader
  }

  /// Removes the next of what has expired. True where there may be more. Durable on return.
  mutating func removeChunk() throws(StoreError) -> Bool {
    defer { reader.end() }
    let now = store.now
    let found = try walk.next(Self.chunkCount, upTo: now, reader)
    if found.isEmpty { return false }
    var byteCount = 0
    for key in found {
      byteCount += 2 * key.count + Self.overhead
      let entryKey = key.rawSpan.extracting(ExpiryWalk.entryRange(of: key.rawSpan))
      byteCount += try Records.touch(entryKey, with: reader)
    }
    reader.end()
    let (count, receipt) = try store.admitAndEvaluate(
      byteCount: min(byteCount, Limits.batchByteCount), onlyDeletes: true
    ) { evaluation throws(StoreError) in
      var count: UInt64 = 0
      for key in found where try Self.settle(key.rawSpan, in: &evaluation) { count += 1 }
      // What has expired by now is gone for good, also what this chunk has not come to.
      try evaluation.putClock()
      return count
    }
    try store.waitUntilDurable(receipt)
    removedCount += count
    walk.advance(behind: found, butNotBeyond: now - min(now, Self.settlingMilliseconds))
    return found.count == Self.chunkCount
  }

  /// Removes the entry that a key of the index names if it has expired, and the key of the index in any case:
  /// it may be of an earlier write of the entry. Returns whether the entry went.
  private static func settle(
    _ indexKey: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    let key = indexKey.extracting(ExpiryWalk.entryRange(of: indexKey))
    let hasExpired = try Records.removeExpired(key, in: &evaluation)
    try evaluation.deleteIndex(indexKey)
    return hasExpired
  }
}
