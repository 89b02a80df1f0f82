/// Range deletes in their order, indexed by range: which was the newest over a key, as of a sequence?
///
/// A value that is cheap to copy and to change, because copies share its runs. Each run has at least twice as
/// many range deletes as the next, newer one. So n range deletes are in at most log n runs, and each is
/// merged into a larger run at most log n times, however they arrive.
struct RangeIndex: Sendable {
  /// Oldest first.
  private(set) var runs: [RangeRun] = []
  /// Range deletes up to this one have been carried out, and hide nothing any more.
  private(set) var finished: RangeTombstone.ID?
  /// How many are not carried out yet. (Their bytes are counted per run.)
  private(set) var count = 0
  /// How many fragments merges have copied in total; measured by tests.
  private(set) var copiedCount = 0

  var isEmpty: Bool { runs.isEmpty }

  /// The memory that they take, approximately.
  var byteCount: Int { runs.reduce(0) { $0 + $1.origin.byteCount } }

  /// Whether one of them may delete users' entries.
  var isVisible: Bool { runs.contains { $0.origin.isVisible } }

  /// The sequence of the newest range delete, at or below `sequence`, that covers `address`; 0 if there is none.
  /// O(log² n).
  @inline(__always)
  func newest(over address: EntryAddress, at sequence: SequenceNumber) -> SequenceNumber {
    if runs.isEmpty { return 0 }
    return search(over: address, at: sequence)
  }

  private func search(over address: EntryAddress, at sequence: SequenceNumber) -> SequenceNumber {
    for run in runs.reversed() where run.origin.firstSequence <= sequence {
      let found = run.newest(over: address, at: sequence)
      if found != 0 { return found }
    }
    return 0
  }

  /// The newest sequence among those whose log records end at or below `lsn`; 0 if there is none. O(log n).
  func newestSequence(upTo lsn: UInt64) -> SequenceNumber {
    for run in runs.reversed() {
      let found = run.newestSequence(upTo: lsn)
      if found != 0 { return found }
    }
    return 0
  }

  /// Adds range deletes that are newer than all others. Amortized O(n + log m) for n of them added to m.
  mutating func insert(_ run: RangeRun) {
    var merged = run
    while let older = runs.last, older.origin.count < 2 * merged.origin.count {
      merged = RangeRun(merging: older, merged)
      copiedCount += merged.bounds.count
      runs.removeLast()
    }
    runs.append(merged)
    count += run.origin.count
  }

  /// Drops those up to `id`, which have been carried out. O(log n).
  mutating func drop(through id: RangeTombstone.ID) {
    finished = id
    runs = runs.compactMap { $0.dropping(through: id) }
    count = runs.reduce(0) { $0 + $1.count(behind: id) }
  }

  /// All of them merged into one run. O(n).
  func merged() -> RangeRun? {
    guard var merged = runs.last else { return nil }
    for run in runs.dropLast().reversed() { merged = RangeRun(merging: run, merged) }
    return merged
  }
}

extension RangeIndex {
  /// Adds range deletes in their order. Those that share a sequence form one run. O(n log n).
  mutating func insert(_ tombstones: [RangeTombstone]) {
    var rest = tombstones[...]
    while let first = rest.first {
      let same = rest.prefix { $0.sequence == first.sequence }
      insert(RangeRun(same))
      rest = rest.dropFirst(same.count)
    }
  }
}

extension RangeRun {
  /// A run of range deletes of one batch, with consecutive ordinals.
  fileprivate convenience init(_ tombstones: ArraySlice<RangeTombstone>) {
    guard let first = tombstones.first, let last = tombstones.last else {
      preconditionFailure("a run needs at least one range delete")
    }
    let ranges = tombstones.map(\.range)
    self.init(
      ranges,
      Origin(
        firstSequence: first.sequence, last: last.id, firstLSN: first.lsn, lastLSN: last.lsn,
        count: tombstones.count,
        byteCount: ranges.reduce(0) { $0 + Self.overhead + $1.byteCount },
        isVisible: tombstones.contains { $0.keyspace == .keys }))
  }

  /// The memory that a range delete takes besides the bytes of its bounds.
  private static let overhead = 192
}
