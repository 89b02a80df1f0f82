import Base
import Synchronization

/// Which keys of a partition somebody watches that had no value then.
///
/// A key's sequence tells every change but one: a key that was absent, was made, and was deleted again has
/// no value and no sequence, as before, and nothing keeps deletes forever. So whoever writes notes the
/// making of such keys here. That takes memory for keys that are watched, and for no others.
final class KeyWatches: Sendable {
  private struct Entry {
    var watcherCount = 0
    var madeCount: UInt64 = 0
  }

  /// By the keys' hashes.
  private let entries = Lock<[UInt64: Entry]>([:])
  private let watcherCount = Atomic<Int>(0)

  /// How often the key had been made when the watch began.
  fileprivate func begin(_ hash: UInt64) -> UInt64 {
    let madeCount = entries.withLock { entries in
      entries[hash, default: Entry()].watcherCount += 1
      return entries[hash]?.madeCount ?? 0
    }
    watcherCount.add(1, ordering: .relaxed)
    // With that in `note`: a write that does not see this watch is seen by the look-up that follows.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    return madeCount
  }

  fileprivate func end(_ hash: UInt64) {
    watcherCount.subtract(1, ordering: .relaxed)
    entries.withLock { entries in
      guard var entry = entries[hash] else { return }
      entry.watcherCount -= 1
      entries[hash] = entry.watcherCount == 0 ? nil : entry
    }
  }

  fileprivate func madeCount(_ hash: UInt64) -> UInt64 {
    entries.withLock { $0[hash]?.madeCount ?? 0 }
  }

  /// How many keys it knows.
  var watchedCount: Int { entries.withLock { $0.count } }

  /// To be called by the partition's writer, behind putting `mutations` into the memtable.
  @inline(__always)
  func note(_ mutations: RawSpan, _ hash: KeyHash) {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if watcherCount.load(ordering: .relaxed) != 0 { noteMade(mutations, hash) }
  }

  @inline(never)
  private func noteMade(_ mutations: RawSpan, _ hash: KeyHash) {
    var offset = 0
    while offset < mutations.byteCount, let mutation = Mutation.parse(mutations, at: offset) {
      offset = mutation.end
      guard mutation.kind == .put || mutation.kind == .putEntry else { continue }
      let hash = hash.hash(mutations.extracting(mutation.key))
      entries.withLock { $0[hash]?.madeCount += 1 }
    }
  }
}

/// The watch over a key that has no value, for as long as this lives.
final class AbsenceWatch: Sendable {
  private let watches: KeyWatches
  private let hash: UInt64
  private let madeBefore: UInt64

  init(of hash: UInt64, in watches: KeyWatches) {
    self.watches = watches
    self.hash = hash
    madeBefore = watches.begin(hash)
  }

  deinit { watches.end(hash) }

  var wasMade: Bool { watches.madeCount(hash) != madeBefore }
}
