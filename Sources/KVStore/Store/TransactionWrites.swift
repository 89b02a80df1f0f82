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

  private let partitionSet: PartitionSet
  /// What each mutation put; nil for a delete.
  private var writes: [Put?] = []
  private var ranges = TransactionRangeDeletes()
  /// By stored key: the last write of each, except keys that a range delete has covered since.
  private var index: [[UInt8]: Int] = [:]
  /// The same keys, sorted.
  private var keys = SortedKeySet()
  /// The keys that were written before a range delete that covers them.
  private var covered: Set<[UInt8]> = []
  /// How far the transaction is indexed: in which section, and up to which byte.
  private var indexedSection = 0
  private var indexedByteCount = 0

  init(_ partitionSet: PartitionSet) {
    self.partitionSet = partitionSet
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

  /// Whether a range of users' keys was deleted.
  var hasVisibleRanges: Bool { ranges.areVisible }

  /// Whether a range was deleted that may hide owners, which leave orphans.
  private(set) var mayHideOwners = false

  /// Whether a range delete of this evaluation covers `address`, at which the evaluation has not written
  /// before it.
  func isHiddenAndUnwritten(_ address: EntryAddress, in sequencer: borrowing Sequencer) -> Bool {
    extendIndex(sequencer)
    let key = address.storedKey
    return index[key] == nil && !covered.contains(key) && isDeletedByRange(address)
  }

  /// Records that a range is deleted in `partition`, or in all if it is nil. Returns the stored keys in it
  /// that this evaluation has put: the caller must delete them one by one, because a range delete hides only
  /// older batches. O(k log k + log² n) amortized, for k keys that were written and not covered since.
  ///
  /// - Parameter leavesOwned: whether owners in the range leave what they own behind.
  func delete(
    _ deleted: DeletedRange, of partition: Int?, leavesOwned: Bool,
    in sequencer: borrowing Sequencer
  ) -> [(key: [UInt8], put: Put)] {
    extendIndex(sequencer)
    let removed = keys.remove(in: deleted.storedKeys) { key in
      partition.map { $0 == partitionSet.partition(of: EntryAddress(storedAs: key.rawSpan)) }
        ?? true
    }
    var put: [(key: [UInt8], put: Put)] = []
    for key in removed {
      if let place = index.removeValue(forKey: key), let write = writes[place] {
        put.append((key, write))
      }
      covered.insert(key)
    }
    // The deletes of these keys come before the range delete.
    ranges.add(deleted, of: partition, place: writes.count + put.count)
    hasRanges = true
    if leavesOwned { mayHideOwners = true }
    return put
  }

  /// Calls `body` with each partition in which ranges were deleted, and with all of its ranges.
  func forEachRange(_ body: (Int, [DeletedRange]) -> Void) {
    ranges.forEach(of: partitionSet.partitions.indices, body)
  }

  /// What these writes did to the entry at `address`.
  func find(_ address: EntryAddress, in sequencer: borrowing Sequencer) -> Found {
    if sequencer.isEmpty, !hasRanges { return .untouched }
    extendIndex(sequencer)
    let place = index[address.storedKey]
    if isDeletedByRange(address, since: place ?? -1) { return .deleted }
    guard let place else { return .untouched }
    return writes[place].map { .put($0) } ?? .deleted
  }

  /// The writes in `range`, in the order of their stored keys; nil stands for a delete. Keys that only a range
  /// delete covers are not listed.
  func entries(
    in range: StoredRange, _ sequencer: borrowing Sequencer
  ) -> [(key: [UInt8], put: Put?)] {
    extendIndex(sequencer)
    return keys.keys(in: range).map { key in (key, index[key].flatMap { writes[$0] }) }
  }

  /// Whether a range delete covers `address` that came after the write at `place`; -1 if there was none.
  func isDeletedByRange(_ address: EntryAddress, since place: Int = -1) -> Bool {
    hasRanges && ranges.covers(address, of: partitionSet, since: place)
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
      let key = Array(copying: bytes.extracting(mutation.storedKey))
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
