import Base
import KVStore

/// Removes the fields of maps whose records were removed by range deletes, one bounded portion after another, each
/// in one batch.
///
/// The engine notes such records (`Orphan`). A noted map is dead: ids are never reused, nothing refers to the
/// fields any more, and none are added. So they can be looked up before the batch, without making writers wait; and
/// if a crash causes a portion to be repeated, the repetition finds nothing. The batch that removes the last of a
/// map's fields deletes its note.
package struct OrphanRemoval {
  /// Limits of one portion: notes handled, fields deleted one by one, and range deletes issued.
  static let orphanLimit = 64
  static let fieldLimit = 1024
  static let rangeLimit = 8
  /// Large maps wait while this many range deletes are pending: more would slow reads and finally block writers.
  private static let rangeBacklogLimit = 64

  package enum Outcome: Sendable {
    /// There may be more notes after those handled.
    case more
    /// All notes were handled, except those added at positions that this walk had already passed. Damaged notes,
    /// and notes of maps with damaged fields, are left.
    case atEnd
    /// Like `atEnd`, but some notes need range deletes in partitions that have many pending. Walk again later.
    case mustWait
  }

  private let store: Store
  /// All notes up to here were handled. What a portion deleted remains in the files for a while, and would have to
  /// be skipped each time.
  private var position: [UInt8] = []
  /// Whether this walk has left notes that must wait.
  private var hasLeftSome = false
  /// The number of maps whose fields were removed.
  package private(set) var mapCount: UInt64 = 0

  package init(_ store: Store) {
    self.store = store
  }

  /// Removes the next portion. Durable on return. Throws what `Store.admit` and `Store.evaluate` throw; then it may
  /// be retried.
  ///
  /// - Parameter isWanted: as for `Store.admitAndEvaluate`.
  package mutating func removePortion(
    _ reader: Reader, isWanted: () -> Bool = { true }
  ) throws(StoreError) -> Outcome {
    let found = try store.orphans(behind: position, limit: Self.orphanLimit, with: reader)
    guard !found.isEmpty else {
      defer { hasLeftSome = false }
      position = []
      return hasLeftSome ? .mustWait : .atEnd
    }
    var portion = Portion()
    var last = position
    var mustWait = false
    for orphan in found {
      let fate = try take(orphan, into: &portion, reader)
      if fate == .doesNotFit { break }
      if fate == .mustWait { mustWait = true }
      last = orphan.key
    }
    reader.end()
    if portion.count > 0 {
      let (_, receipt) = try store.admitAndEvaluate(
        byteCount: portion.byteCount, onlyDeletes: true, isWanted: isWanted
      ) { evaluation throws(StoreError) in try portion.carryOut(in: &evaluation) }
      try store.waitUntilDurable(receipt)
    }
    mapCount += UInt64(portion.count)
    position = last
    hasLeftSome = hasLeftSome || mustWait
    return .more
  }

  private enum Fate { case taken, doesNotFit, mustWait, damaged }

  private func take(
    _ orphan: Orphan, into portion: inout Portion, _ reader: Reader
  ) throws(StoreError) -> Fate {
    let place = orphan.owned.lower
    if store.isReadOnly(partitionOf: place.rawSpan, in: .owned) { return .damaged }
    let hasBacklog =
      store.rangeDeleteCount(inPartitionOf: place.rawSpan, in: .owned) >= Self.rangeBacklogLimit
    // A note that must wait is met on every walk; do not count its fields each time.
    if hasBacklog, let record = MapRecord(orphan.value.rawSpan),
      record.count > MapLimits.fieldsDeletedOneByOne
    {
      return .mustWait
    }
    do throws(StoreError) {
      switch try portion.add(orphan, mayDeleteRange: !hasBacklog, reader) {
      case .added: return .taken
      case .full: return .doesNotFit
      case .needsRangeDelete: return .mustWait
      }
    } catch {
      // One damaged note must not prevent others from being handled.
      guard error.isDamagedValue || store.isReadOnly(partitionOf: place.rawSpan, in: .owned) else {
        throw error
      }
      reader.end()
      return .damaged
    }
  }
}

/// The changes of one batch.
private struct Portion {
  enum Answer { case added, full, needsRangeDelete }

  private var orphans: [Orphan] = []
  private var fields: [[UInt8]] = []
  private var ranges: [KeyRange] = []
  private(set) var byteCount = 0

  var count: Int { orphans.count }

  /// Adds a map's fields and its note, if there is room. An empty portion always has room.
  mutating func add(
    _ orphan: Orphan, mayDeleteRange: Bool, _ reader: Reader
  ) throws(StoreError) -> Answer {
    let range = orphan.owned
    let limit = MapLimits.fieldsDeletedOneByOne
    var found: [[UInt8]] = []
    try reader.withCut(of: range.lower.rawSpan, in: .owned) { cut throws(StoreError) in
      try cut.scanEntries(
        range, in: .owned, ofPartitionOf: range.lower.rawSpan, limit: limit + 1
      ) {
        key, _, _ in
        found.append([UInt8](copying: key))
        return true
      }
    }
    if found.count > limit {
      guard mayDeleteRange else { return .needsRangeDelete }
      guard ranges.count < OrphanRemoval.rangeLimit else { return .full }
      ranges.append(range)
      byteCount += 2 * Self.overhead
    } else {
      guard fields.count + found.count <= OrphanRemoval.fieldLimit else { return .full }
      fields += found
      byteCount += found.reduce(0) { $0 + $1.count + Self.overhead }
    }
    orphans.append(orphan)
    byteCount += Self.overhead
    return .added
  }

  func carryOut(in evaluation: inout Evaluation) throws(StoreError) {
    for field in fields { try evaluation.deleteEntry(field.rawSpan, in: .owned) }
    for range in ranges {
      try evaluation.deleteRange(
        range, in: .owned, ofPartitionOf: range.lower.rawSpan)
    }
    for orphan in orphans { try evaluation.delete(orphan) }
  }

  /// Log bytes per mutation, including the keys of notes.
  private static let overhead = 64
}
