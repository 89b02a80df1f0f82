import Base
import Synchronization

/// What a layer above keeps elsewhere for entries with a type, as a map's fields for its record.
///
/// The store asks for it wherever an entry with a type is about to be replaced or removed through the public ways
/// of writing, so that those mean the same as the layer's own. It is asked only while the store may hold fields of
/// maps (`Store.mayContainMaps`): until then writes are blind. While nobody has attached one, such an entry is neither
/// replaced nor removed: `.wrongType`.
package protocol RelatedEntries: Sendable {
  /// Removes what belongs to the entry at `key`, expired or not, before the entry goes.
  func release(_ key: RawSpan, in evaluation: inout Evaluation) throws(StoreError)

  /// Brings into memory what `release` will look at, so that nobody waits for the disk then. Returns about how many
  /// bytes it adds to a batch.
  func touch(_ key: RawSpan, with reader: Reader) throws(StoreError) -> Int
}

/// Who was attached to a store, if anybody was.
final class RelatedEntriesSlot: Sendable {
  private let attached = Lock<(any RelatedEntries)?>(nil)
  /// Whether somebody is: asked without the lock whenever a map is made.
  private let isTaken = Atomic<Bool>(false)

  var current: (any RelatedEntries)? { attached.withLock { $0 } }

  func attach(_ related: any RelatedEntries) {
    if isTaken.load(ordering: .relaxed) { return }
    attached.withLock { if $0 == nil { $0 = related } }
    isTaken.store(true, ordering: .relaxed)
  }
}

/// How far the look-ups have come that a batch is preceded by: see `Store.touchRelated`.
struct RelatedLookups: Sendable {
  /// What one slice takes at most, of keys and of time.
  static let sliceCount = 256
  static let sliceTime = Duration.milliseconds(1)

  /// Where the next mutation stands in the batch.
  var offset = 0
  /// About how many bytes more than its own the batch takes.
  var byteCount = 0
  var isDone = false
}

extension Store {
  /// From now on `related` is asked about entries with a type. The first that is attached counts.
  package func attach(_ related: any RelatedEntries) { evaluations.related.attach(related) }

  /// Brings into memory what carrying `batch` out will look at, from where `lookups` has come to. O(1) while the store
  /// has never had maps, O(mutations) then.
  ///
  /// - Parameter isSlice: whether it stops on the way, for whoever else waits for this thread.
  func touchRelated(
    to batch: Batch, _ lookups: inout RelatedLookups, isSlice: Bool
  ) throws(StoreError) {
    guard mayContainMaps, !batch.isOfStoredKeys, let related = evaluations.related.current else {
      lookups.isDone = true
      return
    }
    let reader = makeReader()
    defer { reader.close() }
    let bytes = batch.mutations.rawSpan
    var left = isSlice ? RelatedLookups.sliceCount : .max
    let deadline = MonotonicTime.now + RelatedLookups.sliceTime
    while let mutation = Mutation.parse(bytes, at: lookups.offset) {
      // One at least.
      if isSlice, left < RelatedLookups.sliceCount, left == 0 || MonotonicTime.now > deadline {
        return
      }
      lookups.offset = mutation.end
      guard [.put, .putEntry, .delete].contains(mutation.kind) else { continue }
      left -= 1
      lookups.byteCount += try related.touch(bytes.extracting(mutation.key), with: reader)
      reader.end()
    }
    lookups.isDone = true
  }

  /// The same for one key.
  func touchRelated(to key: [UInt8]) throws(StoreError) -> Int {
    guard mayContainMaps, let related = evaluations.related.current else { return 0 }
    let reader = makeReader()
    defer { reader.close() }
    return try related.touch(key.rawSpan, with: reader)
  }
}

extension Evaluation {
  /// The same for the store of this evaluation.
  package mutating func attach(_ related: any RelatedEntries) { context.related.attach(related) }

  /// Before the entry at `key` is replaced or removed.
  @inline(__always)
  mutating func releaseRelated(to key: RawSpan) throws(StoreError) {
    if keyspace.mayContainMaps { try askRelated(to: key) }
  }

  @inline(never)
  private mutating func askRelated(to key: RawSpan) throws(StoreError) {
    let type = try withStoredEntry(of: key) { info, _ in info?.type ?? 0 }
    if type == 0 { return }
    guard let related = context.related.current else { throw .wrongType }
    try related.release(key, in: &self)
  }
}
