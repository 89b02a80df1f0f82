import TxnWAL

/// What an evaluation has written so far, so that it can read it back. The bytes stay in the log's
/// buffer; an index over them is made only when something is read after something was written.
///
/// One object serves all evaluations of a store, so that its memory is there already.
///
/// Sound as `@unchecked Sendable`: it is used only inside `Coordinator.sequence`.
final class OwnWrites: @unchecked Sendable {
  enum Found {
    case untouched
    case deleted
    case put(Put)
  }

  /// A value that was put.
  struct Put {
    /// Where it stands in the transaction.
    var value: Range<Int>
    var type: UInt8
    var expiry: UInt64
  }

  private struct DeletedRange {
    let range: KeyRange
    let partitions: Range<Int>
    /// How many writes there were before it.
    let place: Int
  }

  private let keyspace: Keyspace
  /// What each mutation put; nil for one that deletes its key.
  private var writes: [Put?] = []
  private var ranges: [DeletedRange] = []
  /// The last write of each key.
  private var index: [[UInt8]: Int] = [:]
  /// How far the transaction is indexed: in which section, and up to which byte.
  private var indexedSection = 0
  private var indexedByteCount = 0

  init(_ keyspace: Keyspace) {
    self.keyspace = keyspace
  }

  /// Forgets everything, for the next evaluation.
  func reset() {
    if !ranges.isEmpty { ranges.removeAll() }
    guard indexedByteCount > 0 else { return }
    let keepsMemory = writes.count <= Self.retainedCount
    writes.removeAll(keepingCapacity: keepsMemory)
    index.removeAll(keepingCapacity: keepsMemory)
    indexedSection = 0
    indexedByteCount = 0
  }

  private static let retainedCount = 1024

  /// Whether a range was deleted.
  var hasRanges: Bool { !ranges.isEmpty }

  /// Whether a range was deleted in which others than internal keys can be.
  var hasVisibleRanges: Bool { ranges.contains { !$0.range.isInternal } }

  /// To be called once a range has been deleted in these partitions.
  func noteRange(_ range: KeyRange, of partitions: Range<Int>, in sequencer: Sequencer) {
    extendIndex(sequencer)
    ranges.append(DeletedRange(range: range, partitions: partitions, place: writes.count))
  }

  /// What these writes made of `key`.
  func find(_ key: RawSpan, in sequencer: Sequencer) -> Found {
    if sequencer.isEmpty { return .untouched }
    extendIndex(sequencer)
    let place = index[Array(copying: key)]
    if isDeletedByRange(key, since: place ?? -1) { return .deleted }
    guard let place else { return .untouched }
    return writes[place].map { .put($0) } ?? .deleted
  }

  /// The keys in `range` that stand put.
  func keysPut(in range: KeyRange, _ sequencer: Sequencer) -> [[UInt8]] {
    extendIndex(sequencer)
    return index.filter { key, place in
      writes[place] != nil && range.contains(key.rawSpan)
    }.map(\.key)
  }

  /// What was written of `range`, in the order of keys: nil stands for a key that was deleted. Keys that
  /// only a range delete covers are not listed.
  func entries(
    in range: KeyRange, _ sequencer: Sequencer
  ) -> [(key: [UInt8], put: Put?)] {
    extendIndex(sequencer)
    return index.filter { key, _ in range.contains(key.rawSpan) }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .map { key, place in (key, writes[place]) }
  }

  /// Whether a range delete covers `key`, which was not put since.
  func isDeletedByRange(_ key: RawSpan, since place: Int = -1) -> Bool {
    ranges.contains { deleted in
      deleted.place > place && deleted.range.contains(key)
        && (deleted.partitions.count == keyspace.partitions.count
          || deleted.partitions.contains(keyspace.partition(of: key)))
    }
  }

  private func extendIndex(_ sequencer: Sequencer) {
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

  /// Adds mutations that begin at `base` in the transaction.
  private func addToIndex(_ bytes: RawSpan, at base: Int) {
    var offset = 0
    while offset < bytes.byteCount, let mutation = Mutation.parse(bytes, at: offset) {
      offset = mutation.end
      switch mutation.kind {
      case .put, .putEntry, .delete: break
      case .deleteRange, .requireAbsent, .requirePresent, .requireSequence: continue
      }
      index[Array(copying: bytes.extracting(mutation.key))] = writes.count
      writes.append(
        mutation.value.map { value in
          Put(
            value: value.lowerBound + base..<value.upperBound + base, type: mutation.type,
            expiry: mutation.expiry)
        })
    }
  }
}
