import Base
import KVStore

/// Removes what has expired, a chunk at a time, the oldest first.
///
/// What is damaged keeps nothing else from being removed: an entry that cannot be read stays, and so does all that is in
/// a partition which takes no more writes.
struct ExpiryPass {
  /// So many entries of the index are looked at in one batch, while all writers wait.
  static let chunkCount = 64
  /// With the entry whose values, those of its fields counted, bring the chunk to so many bytes it ends as well: they
  /// are verified again while all writers wait.
  private static let chunkByteCount = 1 << 20
  /// A batch may still put something into the index whose time came while it was made. What is not older than this
  /// is looked at again, so that such an entry seldom waits for the walk to begin again.
  private static let settlingMilliseconds: UInt64 = 1000
  private static let overhead = 64

  private let store: Store
  private let reader: Reader
  private var walk: ExpiryWalk
  private(set) var removedCount: UInt64 = 0
  /// How many entries were passed over because they, or fields of theirs, are damaged, or in a partition that takes no
  /// more writes. One counts with each walk.
  private(set) var damagedCount: UInt64 = 0

  /// `reader` is the pass's own, and ended by it after each chunk.
  ///
  /// - Parameter repetition: after what time the walk begins again; nil for never.
  init(_ store: Store, _ reader: Reader, repeatingAfter repetition: Duration? = .seconds(10)) {
    self.store = store
    self.reader = reader
    walk = ExpiryWalk(repeatingAfter: repetition)
  }

  /// Removes the next of what has expired. True where there may be more. Durable on return.
  ///
  /// - Parameter isWanted: as of `Store.admitAndEvaluate`.
  mutating func removeChunk(isWanted: () -> Bool = { true }) throws(StoreError) -> Bool {
    defer { reader.end() }
    let now = store.now
    let readOnlyCount = store.readOnlyPartitionCount
    let found = try walk.next(Self.chunkCount, upTo: now, reader)
    if found.isEmpty { return false }
    let outcome: Outcome
    do throws(StoreError) {
      outcome = try remove(found, isWanted: isWanted)
    } catch {
      // Where that was found out just now, the next try leaves the partition out.
      if store.readOnlyPartitionCount > readOnlyCount { return true }
      guard error.isDamage else { throw error }
      outcome = try removeOneByOne(found, isWanted: isWanted)
    }
    removedCount += outcome.removedCount
    damagedCount += outcome.damagedCount
    // Passed over again and again, damaged ones could be all that a chunk finds.
    let settled = now - min(now, Self.settlingMilliseconds)
    walk.advance(
      behind: found[outcome.seenCount - 1],
      butNotBeyond: outcome.damagedCount == 0 ? settled : nil)
    return outcome.seenCount < found.count || found.count == Self.chunkCount
  }

  private struct Outcome {
    /// How many of the entries were seen to, the first ones.
    var seenCount = 0
    var removedCount: UInt64 = 0
    var damagedCount: UInt64 = 0
  }

  /// For a chunk with maps that were renamed, whose fields lie in a partition that takes no more writes: on damaged
  /// pages, or on sound ones.
  private func removeOneByOne(
    _ found: [[UInt8]], isWanted: () -> Bool
  ) throws(StoreError) -> Outcome {
    var outcome = Outcome(seenCount: found.count)
    for key in found {
      do throws(StoreError) {
        let one = try remove([key], isWanted: isWanted)
        outcome.removedCount += one.removedCount
        outcome.damagedCount += one.damagedCount
      } catch {
        guard error.isDamage else { throw error }
        outcome.damagedCount += 1
      }
    }
    return outcome
  }

  /// What the keys of the index in `found` name, in one batch; one at least, and no more than make up a chunk.
  private func remove(_ found: [[UInt8]], isWanted: () -> Bool) throws(StoreError) -> Outcome {
    var touched = Outcome()
    var sound: [[UInt8]] = []
    var byteCount = 0
    var readByteCount = 0
    for key in found where readByteCount < Self.chunkByteCount {
      touched.seenCount += 1
      let entryKey = key.rawSpan.extracting(ExpiryWalk.entryRange(of: key.rawSpan))
      do throws(StoreError) {
        let sizes = try Records.touch(entryKey, with: reader, limit: .max)
        byteCount += sizes.batchByteCount
        readByteCount += sizes.readByteCount
      } catch {
        guard error.isDamage else { throw error }
        touched.damagedCount += 1
        continue
      }
      byteCount += 2 * key.count + Self.overhead
      sound.append(key)
    }
    reader.end()
    if sound.isEmpty { return touched }
    let (outcome, receipt) = try store.admitAndEvaluate(
      byteCount: min(byteCount, Limits.batchByteCount), onlyDeletes: true, isWanted: isWanted
    ) { evaluation throws(StoreError) in
      var outcome = touched
      for key in sound {
        do throws(StoreError) {
          if try Self.settle(key.rawSpan, in: &evaluation) { outcome.removedCount += 1 }
        } catch {
          // Met before anything of the entry was removed, or the evaluation has failed.
          guard error.isDamage else { throw error }
          outcome.damagedCount += 1
        }
      }
      // What has expired by now is gone for good, also what this chunk has not come to.
      if store.canKeepClock { try evaluation.putClock() }
      return outcome
    }
    try store.waitUntilDurable(receipt)
    return outcome
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
