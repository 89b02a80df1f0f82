import Base
import TxnWAL

/// What an evaluation has written so far, so that it can read it back. The bytes stay in the log's buffer,
/// and are indexed only when something is read after a write.
///
/// One object serves all evaluations of a store, to reuse its memory.
///
/// Sound as `@unchecked Sendable`: it is used only inside `Coordinator.sequence`.
final class TransactionWrites: @unchecked Sendable {
  enum Found {
    case untouched
    case deleted
    case put(Put)
  }

  /// A value that was put.
  struct Put {
    /// The range of its bytes in the transaction.
    var value: Range<Int>
    var type: UInt8
    var expiry: UInt64
  }

  private let keyspace: Keyspace
  /// What each mutation put; nil for a delete.
  private var writes: [Put?] = []
  private var ranges = TransactionRangeDeletes()
  /// The last write of each key, except keys that a range delete has covered since.
  private var index: [[UInt8]: Int] = [:]
  /// The same keys, sorted.
  private var keys = SortedKeySet()
  /// The keys that were written before a range delete that covers them.
  private var covered: Set<[UInt8]> = []
  /// How far the transaction is indexed: in which section, and up to which byte.
  private var indexedSection = 0
  private var indexedByteCount = 0

  init(_ keyspace: Keyspace) {
    self.keyspace = keyspace
  }

  /// Forgets everything, for the next evaluation.
  func reset() {
    if hasRanges {
      ranges = TransactionRangeDeletes()
      hasRanges = false
      mayHideOwners = false
      covered.removeAll()
    }
    guard indexedByteCount > 0 else { return }
    let keepsMemory = writes.count <= Self.retainedCount
    writes.removeAll(keepingCapacity: keepsMemory)
    index.removeAll(keepingCapacity: keepsMemory)
    keys.removeAll()
    indexedSection = 0
    indexedByteCount = 0
  }

  private static let retainedCount = 1024

  /// Whether a range was deleted.
  private(set) var hasRanges = false

  /// Whether a range was deleted that can contain keys other than internal ones.
  var hasVisibleRanges: Bool { ranges.areVisible }

  /// Whether a range was deleted that may hide owners, which leave orphans.
  private(set) var mayHideOwners = false

  /// Whether a range delete of this evaluation covers `key`, which the evaluation has not written before it.
  func isHiddenAndUnwritten(_ key: RawSpan, in sequencer: borrowing Sequencer) -> Bool {
    extendIndex(sequencer)
    let copy = Array(copying: key)
    return index[copy] == nil && !covered.contains(copy) && isDeletedByRange(key)
  }

  /// Records that a range is deleted in `partition`, or in all if it is nil. Returns the keys in it that this
  /// evaluation has put: the caller must delete them one by one, because a range delete hides only older
  /// batches. O(k log k + log² n) amortized, for k keys that were written and not covered since.
  func deleteRange(
    _ range: KeyRange, of partition: Int?, in sequencer: borrowing Sequencer
  ) -> [(key: [UInt8], put: Put)] {
    extendIndex(sequencer)
    let removed = keys.remove(in: range) { key in
      partition.map { $0 == keyspace.partition(of: key.rawSpan) } ?? true
    }
    var put: [(key: [UInt8], put: Put)] = []
    for key in removed {
      if let place = index.removeValue(forKey: key), let write = writes[place] {
        put.append((key, write))
      }
      covered.insert(key)
    }
    // The deletes of these keys come before the range delete.
    ranges.add(range, of: partition, place: writes.count + put.count)
    hasRanges = true
    if !range.isInternal, range != .everything { mayHideOwners = true }
    return put
  }

  /// Calls `body` with each partition in which ranges were deleted, and with all of its ranges.
  func forEachRange(_ body: (Int, [KeyRange]) -> Void) {
    ranges.forEach(of: keyspace.partitions.indices, body)
  }

  /// What these writes did to `key`.
  func find(_ key: RawSpan, in sequencer: borrowing Sequencer) -> Found {
    if sequencer.isEmpty, !hasRanges { return .untouched }
    extendIndex(sequencer)
    let place = index[Array(copying: key)]
    if isDeletedByRange(key, since: place ?? -1) { return .deleted }
    guard let place else { return .untouched }
    return writes[place].map { .put($0) } ?? .deleted
  }

  /// The writes to keys in `range`, in key order; nil stands for a delete. Keys that only a range delete
  /// covers are not listed.
  func entries(
    in range: KeyRange, _ sequencer: borrowing Sequencer
  ) -> [(key: [UInt8], put: Put?)] {
    extendIndex(sequencer)
    return keys.keys(in: range).map { key in (key, index[key].flatMap { writes[$0] }) }
  }

  /// Whether a range delete covers `key` that came after the write at `place`; -1 if there was none.
  func isDeletedByRange(_ key: RawSpan, since place: Int = -1) -> Bool {
    hasRanges && ranges.covers(key, of: { keyspace.partition(of: key) }, since: place)
  }

  private func extendIndex(_ sequencer: borrowing Sequencer) {
    while indexedSection < sequencer.sectionCount {
      let section = sequencer.sectionRange(indexedSection)
      let start = max(indexedByteCount, section.lowerBound)
      sequencer.withPayload(in: start..<section.upperBound) { addToIndex($0, at: start) }
      indexedByteCount = section.upperBound
      // The last section may still grow.
      if indexedSection == sequencer.sectionCount - 1 { return }
      indexedSection += 1
    }
  }

  /// Indexes mutations that begin at `base` in the transaction.
  private func addToIndex(_ bytes: RawSpan, at base: Int) {
    var offset = 0
    while offset < bytes.byteCount, let mutation = Mutation.parse(bytes, at: offset) {
      offset = mutation.end
      switch mutation.kind {
      case .put, .putEntry, .delete: break
      case .deleteRange, .requireAbsent, .requirePresent, .requireSequence: continue
      }
      let key = Array(copying: bytes.extracting(mutation.key))
      if index.updateValue(writes.count, forKey: key) == nil { keys.insert(key) }
      writes.append(
        mutation.value.map { value in
          Put(
            value: value.lowerBound + base..<value.upperBound + base, type: mutation.type,
            expiry: mutation.expiry)
        })
    }
  }
}
