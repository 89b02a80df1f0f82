import TxnWAL

/// Decides, while batches come in, which memtable is sealed next.
///
/// Sound as `@unchecked Sendable`: `lastLook` is touched only by the thread that is the sequencer.
final class Upkeep: @unchecked Sendable {
  /// How much log passes between two looks.
  private static let interval = 64 << 10
  /// Range deletes that may gather in a memtable before it is applied: until then they are not carried out.
  static let activeTombstoneLimit = 64

  private let keyspace: Keyspace
  private let budget: MemoryBudget
  private let coordinator: Coordinator
  private let options: StoreOptions
  private var lastLook = LSN.zero

  init(
    keyspace: Keyspace, budget: MemoryBudget, coordinator: Coordinator, options: StoreOptions
  ) {
    self.keyspace = keyspace
    self.budget = budget
    self.coordinator = coordinator
    self.options = options
  }

  /// After a batch, as the sequencer. Range deletes always count: thousands of them fit into the log
  /// between two looks, and none is carried out before it is sealed.
  @inline(__always)
  func look(at position: CommitPosition, deletesRanges: Bool) {
    if deletesRanges || position.end.rawValue >= lastLook.rawValue + UInt64(Self.interval) {
      checkLimits(position)
    }
  }

  /// As the sequencer: also once when the store is open, because of what recovery brought.
  func checkLimits(_ position: CommitPosition) {
    lastLook = position.end
    let partitions = keyspace.partitions
    var total = partitions.reduce(0) { $0 + $1.activeByteCount }
    while total > budget.activeLimit,
      let largest = partitions.filter({ !$0.isActiveEmpty })
        .max(by: { $0.activeByteCount < $1.activeByteCount })
    {
      total -= largest.activeByteCount
      largest.seal()
    }
    sendDownGatheredRangeDeletes()
    shortenLog(position)
    budget.setActive(partitions.reduce(0) { $0 + $1.activeByteCount })
  }

  /// As the sequencer, while the disk is full: only once LMDB has what is in memory deletes free room, and
  /// the log can be written again from its beginning. One memtable of a partition at a time, so that they
  /// do not become many, and one with range deletes behind it: what they hide of the first is not written, which
  /// may be all that there is room for.
  func sendDown() {
    for partition in keyspace.partitions {
      let layers = partition.layers
      let limit = layers.activeTombstoneCount > 0 ? 2 : 1
      if layers.sealed.count < limit { partition.seal() }
    }
  }

  /// As the sequencer: range deletes are carried out only once LMDB has them.
  func sendDownRangeDeletes() {
    for partition in keyspace.partitions where partition.layers.activeTombstoneCount > 0 {
      partition.seal()
    }
  }

  /// The same for partitions whose disks have little room, because what they free is needed, and perhaps nobody writes
  /// any more who would have them applied. Where another one is on its way already they wait for it: sealed ones must
  /// not become many, because every read passes through them.
  func sendDownRangeDeletes(of partitions: [Partition]) {
    for partition in partitions {
      let layers = partition.layers
      if layers.activeTombstoneCount > 0, layers.sealed.isEmpty { partition.seal() }
    }
  }

  /// The same where many have gathered.
  func sendDownGatheredRangeDeletes() {
    for partition in keyspace.partitions where partition.hasGatheredTombstones { partition.seal() }
  }

  /// Seals what keeps the log longer than it may be.
  private func shortenLog(_ position: CommitPosition) {
    let end = position.end.rawValue
    let limit = UInt64(options.logByteLimit)
    guard end > coordinator.checkpoint.rawValue + limit else { return }
    for partition in keyspace.partitions {
      if let oldest = partition.oldestUnapplied, oldest.rawValue + limit / 2 < end,
        partition.layers.sealed.isEmpty
      {
        partition.seal()
      }
    }
  }
}
