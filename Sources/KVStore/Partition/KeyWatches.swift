import Base
import Synchronization

/// The watched keys of a partition that had no value when the watch began.
///
/// The sequence of a key reveals every change but one: a key that was absent, was created, and was deleted
/// again has no value and no sequence, as before, because deletes are not kept forever. So the writer records
/// here that such a key was created. This takes memory only for watched keys.
final class KeyWatches: Sendable {
  private struct Entry {
    var watcherCount = 0
    var madeCount: UInt64 = 0
  }

  /// By hash of the key.
  private let entries = Lock<[UInt64: Entry]>([:])
  private let watcherCount = Atomic<Int>(0)

  /// Begins a watch. Returns how many creations of the key have been counted so far.
  fileprivate func begin(_ hash: UInt64) -> UInt64 {
    let madeCount = entries.withLock { entries in
      entries[hash, default: Entry()].watcherCount += 1
      return entries[hash]?.madeCount ?? 0
    }
    watcherCount.add(1, ordering: .relaxed)
    // Pairs with the fence in `note`: either the write sees this watch, or the lookup that follows sees the
    // write.
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

  /// How many keys are watched.
  var watchedCount: Int { entries.withLock { $0.count } }

  /// Called by the partition's writer, after it has put `mutations` into the memtable.
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
      let hash = hash.hash(mutation.address(in: mutations))
      entries.withLock { $0[hash]?.madeCount += 1 }
    }
  }
}

/// A watch on a key that has no value, for as long as this object lives.
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

  var wasCreated: Bool { watches.madeCount(hash) != madeBefore }
}
