/// The ranges that an evaluation has deleted, indexed by range, and the place of each among its other writes.
///
/// They are written to the log when the evaluation ends, those of a partition together: so they become one change of
/// the partition's layers. To the batch itself their order means nothing, since a range delete hides older batches
/// alone, and what the same batch had put before is deleted by name.
struct OwnRanges {
  private struct Pending {
    var ranges: [KeyRange] = []
    /// How many writes there were before them.
    var place = 0
  }

  /// In order: those of all partitions, and those of one.
  private var everywhere: [KeyRange] = []
  private var local: [Int: [KeyRange]] = [:]
  private var index = RangeIndex()
  private var localIndex: [Int: RangeIndex] = [:]
  /// What is not indexed yet.
  private var pending = Pending()
  private var localPending: [Int: Pending] = [:]
  /// Whether others than internal keys can be in one of them.
  private(set) var areVisible = false

  var isEmpty: Bool { everywhere.isEmpty && local.isEmpty }

  /// - Parameters:
  ///   - partition: nil for all of them.
  ///   - place: how many writes there were before.
  mutating func add(_ range: KeyRange, of partition: Int?, place: Int) {
    areVisible = areVisible || !range.isInternal
    if let partition {
      local[partition, default: []].append(range)
      if let waiting = localPending[partition], waiting.place != place { settle(partition) }
      localPending[partition, default: Pending()].place = place
      localPending[partition, default: Pending()].ranges.append(range)
    } else {
      everywhere.append(range)
      if pending.place != place { settle() }
      pending.place = place
      pending.ranges.append(range)
    }
  }

  /// Whether one of them covers a key in `partition` whose newest write was at `place`, -1 where there was none.
  /// O(log n), taken over many calls.
  mutating func covers(_ key: RawSpan, of partition: () -> Int, since place: Int) -> Bool {
    if isEmpty { return false }
    settle()
    if Self.stamp(place) < index.newest(over: key, at: .max) { return true }
    if local.isEmpty { return false }
    let partition = partition()
    settle(partition)
    guard let index = localIndex[partition] else { return false }
    return Self.stamp(place) < index.newest(over: key, at: .max)
  }

  /// Lends each partition that has some, in their order, and all that it has.
  func forEach(of partitions: Range<Int>, _ body: (Int, [KeyRange]) -> Void) {
    if everywhere.isEmpty {
      for partition in local.keys.sorted() { body(partition, local[partition] ?? []) }
    } else {
      for partition in partitions { body(partition, everywhere + (local[partition] ?? [])) }
    }
  }

  /// A place as what stands for a sequence in the index, where 0 is none.
  private static func stamp(_ place: Int) -> SequenceNumber { SequenceNumber(place + 1) }

  private mutating func settle() {
    Self.settle(&pending, into: &index)
  }

  private mutating func settle(_ partition: Int) {
    guard localPending[partition]?.ranges.isEmpty == false else { return }
    Self.settle(
      &localPending[partition, default: Pending()],
      into: &localIndex[partition, default: RangeIndex()])
  }

  private static func settle(_ pending: inout Pending, into index: inout RangeIndex) {
    if pending.ranges.isEmpty { return }
    // A write at the place itself came after them.
    let stamp = stamp(pending.place)
    index.insert(
      RangeRun(
        pending.ranges,
        RangeRun.Origin(
          firstSequence: stamp, last: RangeTombstone.ID(sequence: stamp),
          count: pending.ranges.count)))
    pending.ranges.removeAll(keepingCapacity: true)
  }
}
