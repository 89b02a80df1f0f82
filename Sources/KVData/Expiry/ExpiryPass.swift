import Base
import KVStore

/// Removes expired entries, a chunk at a time, oldest first.
///
/// Damage does not stop other removals: an entry that cannot be read is left, and so is everything in a read-only
/// partition.
struct ExpiryPass {
  /// Index entries handled in one batch, while all writers wait.
  static let chunkCount = 64
  /// A chunk also ends with the entry that brings the values read, those of fields included, to this many bytes:
  /// they are verified again while all writers wait.
  private static let chunkByteCount = 1 << 20
  /// A batch may add an index entry whose time came while the batch was evaluated. So entries younger than this are
  /// visited again, and such an entry seldom has to wait until the walk restarts.
  private static let settlingMilliseconds: UInt64 = 1000
  private static let overhead = 64

  private let store: Store
  private let reader: Reader
  private var walk: ExpiryWalk
  private(set) var removedCount: UInt64 = 0
  /// The number of entries skipped because they or their fields are damaged, or in a read-only partition. Each is
  /// counted once per walk.
  private(set) var damagedCount: UInt64 = 0

  /// The pass owns `reader`, and ends it after each chunk.
  ///
  /// - Parameter repetition: the time after which the walk restarts; nil for never.
  init(_ store: Store, _ reader: Reader, repeatingAfter repetition: Duration? = .seconds(10)) {
    self.store = store
    self.reader = reader
    walk = ExpiryWalk(repeatingAfter: repetition)
  }

  /// Removes the next expired entries. Returns true if there may be more. Durable on return.
  ///
  /// - Parameter isWanted: as for `Store.admitAndEvaluate`.
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
      // If the partition was only now found to be damaged, the next attempt skips it.
      if store.readOnlyPartitionCount > readOnlyCount { return true }
      guard error.isDamage else { throw error }
      outcome = try removeOneByOne(found, isWanted: isWanted)
    }
    removedCount += outcome.removedCount
    damagedCount += outcome.damagedCount
    // If entries were skipped, move past all of them: otherwise chunks could consist of the same damaged entries
    // forever.
    let settled = now - min(now, Self.settlingMilliseconds)
    walk.advance(
      behind: found[outcome.seenCount - 1],
      butNotBeyond: outcome.damagedCount == 0 ? settled : nil)
    return outcome.seenCount < found.count || found.count == Self.chunkCount
  }

  private struct Outcome {
    /// The number of leading entries that were handled.
    var seenCount = 0
    var removedCount: UInt64 = 0
    var damagedCount: UInt64 = 0
  }

  /// Handles a failed chunk entry by entry. It may hold renamed maps whose fields are in a read-only partition, on
  /// damaged or undamaged pages.
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

  /// Removes, in one batch, the entries named by the index keys in `found`: at least one, and at most a chunk.
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
          // The damage was met before anything of this entry was removed; otherwise the evaluation has failed.
          guard error.isDamage else { throw error }
          outcome.damagedCount += 1
        }
      }
      // Persist the clock: everything expired by now stays expired, including what this chunk did not reach.
      if store.canKeepClock { try evaluation.putClock() }
      return outcome
    }
    try store.waitUntilDurable(receipt)
    return outcome
  }

  /// Removes the entry named by an index key if it has expired, and the index key in any case: it may belong to an
  /// earlier write of the entry. Returns whether the entry was removed.
  private static func settle(
    _ indexKey: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    let key = indexKey.extracting(ExpiryWalk.entryRange(of: indexKey))
    let hasExpired = try Records.removeExpired(key, in: &evaluation)
    try evaluation.deleteIndex(indexKey)
    return hasExpired
  }
}
