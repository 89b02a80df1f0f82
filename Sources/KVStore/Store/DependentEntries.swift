import Base
import Synchronization

/// Handles what a layer above keeps in `Keyspace.owned` for entries with a type.
///
/// The store calls it wherever an entry with a type is about to be replaced or removed through the public
/// write API, so that such writes mean the same as the layer's own. It is called only while the store may
/// hold owners (`Store.mayHoldOwners`); until then writes are blind. While no layer is attached, such an
/// entry can be neither replaced nor removed: `.wrongType`.
package protocol DependentEntries: Sendable {
  /// Removes what belongs to the entry at `key`, expired or not. Called before the entry itself is removed.
  func release(_ key: RawSpan, in evaluation: inout Evaluation) throws(StoreError)

  /// Brings into memory what `release` will read, so that it does not wait for the disk. Returns about how
  /// many bytes `release` adds to a batch.
  func touch(_ key: RawSpan, with reader: Reader) throws(StoreError) -> Int
}

/// The layer that is attached to a store, if there is one.
final class DependentEntriesSlot: Sendable {
  private let attached = Lock<(any DependentEntries)?>(nil)
  /// Whether a layer is attached: read without the lock whenever an owner is created.
  private let isTaken = Atomic<Bool>(false)

  var current: (any DependentEntries)? { attached.withLock { $0 } }

  func attach(_ related: any DependentEntries) {
    if isTaken.load(ordering: .relaxed) { return }
    attached.withLock { if $0 == nil { $0 = related } }
    isTaken.store(true, ordering: .relaxed)
  }
}

/// The progress of the lookups that precede a batch: see `Store.touchRelated`.
struct RelatedLookups: Sendable {
  /// The most that one slice takes, in keys and in time.
  static let sliceCount = 256
  static let sliceTime = Duration.milliseconds(1)

  /// The offset of the next mutation in the batch.
  var offset = 0
  /// About how many bytes the batch takes beyond its own.
  var byteCount = 0
  var isDone = false
}

extension Store {
  /// Attaches the layer that handles entries with a type. Only the first one attached counts.
  package func attach(_ related: any DependentEntries) { evaluations.related.attach(related) }

  /// Brings into memory what committing `batch` will read, continuing from `lookups`. O(1) while the store
  /// has never had owners, O(mutations) after that.
  ///
  /// - Parameter isSlice: whether it stops early, for other work that waits for this thread.
  func touchRelated(
    to batch: Batch, _ lookups: inout RelatedLookups, isSlice: Bool
  ) throws(StoreError) {
    guard mayHoldOwners, !batch.writesSingleEntries, let related = evaluations.related.current
    else {
      lookups.isDone = true
      return
    }
    let reader = makeReader()
    defer { reader.close() }
    let bytes = batch.mutations.rawSpan
    var left = isSlice ? RelatedLookups.sliceCount : .max
    let deadline = MonotonicTime.now + RelatedLookups.sliceTime
    while let mutation = Mutation.parse(bytes, at: lookups.offset) {
      // At least one lookup.
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
    guard mayHoldOwners, let related = evaluations.related.current else { return 0 }
    let reader = makeReader()
    defer { reader.close() }
    return try related.touch(key.rawSpan, with: reader)
  }
}

extension Evaluation {
  /// Attaches a layer to the store of this evaluation, as `Store.attach` does.
  package mutating func attach(_ related: any DependentEntries) { context.related.attach(related) }

  /// Called before the entry at `key` is replaced or removed.
  @inline(__always)
  mutating func releaseRelated(to key: RawSpan) throws(StoreError) {
    if partitionSet.mayHoldOwners { try askRelated(to: key) }
  }

  @inline(never)
  private mutating func askRelated(to key: RawSpan) throws(StoreError) {
    let type = try withStoredEntry(of: key) { info, _ in info?.type ?? 0 }
    if type == 0 { return }
    guard let related = context.related.current else { throw .wrongType }
    try related.release(key, in: &self)
  }
}
