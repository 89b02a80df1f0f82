/// The ranges that an evaluation has deleted, indexed by range, and the place of each among its other writes.
///
/// They are written to the log when the evaluation ends, those of each partition together, so that they
/// become one change of the partition's layers. Within the batch their order does not matter: a range delete
/// hides only older batches, and what the same batch has put there before is deleted key by key.
struct TransactionRangeDeletes {
  private struct Pending {
    var ranges: [DeletedRange] = []
    /// How many writes precede them.
    var place = 0
  }

  /// In order: the ranges deleted in all partitions, and those deleted in one.
  private var everywhere: [DeletedRange] = []
  private var local: [Int: [DeletedRange]] = [:]
  private var index = RangeIndex()
  private var localIndex: [Int: RangeIndex] = [:]
  /// Ranges that are not indexed yet.
  private var pending = Pending()
  private var localPending: [Int: Pending] = [:]
  /// Whether one of them is of users' keys.
  private(set) var areVisible = false

  var isEmpty: Bool { everywhere.isEmpty && local.isEmpty }

  /// - Parameters:
  ///   - partition: nil for all partitions.
  ///   - place: how many writes precede the range delete.
  mutating func add(_ range: DeletedRange, of partition: Int?, place: Int) {
    areVisible = areVisible || range.keyspace == .keys
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

  /// Whether one of them covers `address` and came after the newest write there, which was at `place`; -1 if
  /// there was none. O(log² n) amortized.
  mutating func covers(
    _ address: EntryAddress, of partitionSet: PartitionSet, since place: Int
  ) -> Bool {
    if isEmpty { return false }
    settle()
    if Self.stamp(place) < index.newest(over: address, at: .max) { return true }
    if local.isEmpty { return false }
    let partition = partitionSet.partition(of: address)
    settle(partition)
    guard let index = localIndex[partition] else { return false }
    return Self.stamp(place) < index.newest(over: address, at: .max)
  }

  /// Calls `body` with each partition that has deleted ranges, in order, and with all of its ranges.
  func forEach(of partitions: Range<Int>, _ body: (Int, [DeletedRange]) -> Void) {
    if everywhere.isEmpty {
      for partition in local.keys.sorted() { body(partition, local[partition] ?? []) }
    } else {
      for partition in partitions { body(partition, everywhere + (local[partition] ?? [])) }
    }
  }

  /// A place as a sequence of the index, where 0 means none.
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
    // A write at the same place comes after them.
    let stamp = stamp(pending.place)
    index.insert(
      RangeRun(
        pending.ranges.map(\.storedKeys),
        RangeRun.Origin(
          firstSequence: stamp, last: RangeTombstone.ID(sequence: stamp),
          count: pending.ranges.count)))
    pending.ranges.removeAll(keepingCapacity: true)
  }
}
