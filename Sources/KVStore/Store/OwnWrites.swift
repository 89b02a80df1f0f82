import TxnWAL

/// What an evaluation has written so far, so that it can read it back. The bytes stay in the log's
/// buffer; an index over them is made only when something is read after something was written.
///
/// One object serves all evaluations of a store, so that its memory is there already.
///
/// Sound as `@unchecked Sendable`: it is used only inside `Coordinator.sequence`.
final class OwnWrites: @unchecked Sendable {
  enum Kind { case put, delete, deleteRange }

  enum Found {
    case untouched
    case deleted
    /// Where the value stands in the transaction.
    case put(Range<Int>)
  }

  private struct Write {
    var kind: Kind
    var key: Range<Int>
    var value: Range<Int>
  }

  private var writes: [Write] = []
  private var ranges: [(range: KeyRange, place: Int)] = []
  private var index: [[UInt8]: Int] = [:]
  private var indexedCount = 0

  /// Forgets everything, for the next evaluation.
  func reset() {
    if !writes.isEmpty { writes.removeAll(keepingCapacity: writes.count <= Self.retainedCount) }
    if !ranges.isEmpty { ranges.removeAll() }
    if indexedCount > 0 {
      index.removeAll(keepingCapacity: index.count <= Self.retainedCount)
      indexedCount = 0
    }
  }

  private static let retainedCount = 1024

  /// Whether a range was deleted.
  var hasRanges: Bool { !ranges.isEmpty }

  @inline(__always)
  func note(_ kind: Kind, key: Range<Int>, value: Range<Int>) {
    writes.append(Write(kind: kind, key: key, value: value))
  }

  func noteRange(_ range: KeyRange) {
    ranges.append((range, writes.count))
  }

  /// What these writes made of `key`.
  func find(_ key: RawSpan, in sequencer: Sequencer) -> Found {
    if writes.isEmpty && ranges.isEmpty { return .untouched }
    extendIndex(sequencer)
    let place = index[Array(copying: key)]
    let covered = ranges.contains { $0.place > place ?? -1 && $0.range.contains(key) }
    if covered { return .deleted }
    guard let place else { return .untouched }
    return writes[place].kind == .put ? .put(writes[place].value) : .deleted
  }

  /// The keys in `range` that stand put.
  func keysPut(in range: KeyRange, _ sequencer: Sequencer) -> [[UInt8]] {
    extendIndex(sequencer)
    return index.filter { key, place in
      writes[place].kind == .put && range.contains(key.rawSpan)
    }.map(\.key)
  }

  /// What was written of `range`, in the order of keys: nil stands for a key that was deleted. Keys that
  /// only a range delete covers are not listed.
  func entries(
    in range: KeyRange, _ sequencer: Sequencer
  ) -> [(key: [UInt8], value: Range<Int>?)] {
    extendIndex(sequencer)
    return index.filter { key, _ in range.contains(key.rawSpan) }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .map { key, place in (key, writes[place].kind == .put ? writes[place].value : nil) }
  }

  /// Whether a range delete covers `key`, which was not put since.
  func isDeletedByRange(_ key: RawSpan) -> Bool {
    ranges.contains { $0.range.contains(key) }
  }

  private func extendIndex(_ sequencer: Sequencer) {
    while indexedCount < writes.count {
      let key = sequencer.withPayload(in: writes[indexedCount].key) { Array(copying: $0) }
      index[key] = indexedCount
      indexedCount += 1
    }
  }
}
