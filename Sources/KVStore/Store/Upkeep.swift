import TxnWAL

/// Decides, as batches come in, which memtable is sealed next.
///
/// Sound as `@unchecked Sendable`: `lastLook` is touched only by the sequencer thread.
final class Upkeep: @unchecked Sendable {
  /// How many bytes of log pass between two checks.
  private static let interval = 64 << 10
  /// How many range deletes may gather in a memtable before it is applied. Until then they are not carried
  /// out.
  static let activeTombstoneLimit = 64

  private let partitionSet: PartitionSet
  private let budget: MemoryBudget
  private let coordinator: Coordinator
  private let options: StoreOptions
  private var lastLook = LSN.zero

  init(
    partitionSet: PartitionSet, budget: MemoryBudget, coordinator: Coordinator,
    options: StoreOptions
  ) {
    self.partitionSet = partitionSet
    self.budget = budget
    self.coordinator = coordinator
    self.options = options
  }

  /// For the sequencer, after a batch. Range deletes always cause a check: thousands of them fit into the log
  /// between two checks, and none is carried out before its memtable is sealed.
  @inline(__always)
  func look(at position: CommitPosition, deletesRanges: Bool) {
    if deletesRanges || position.end.rawValue >= lastLook.rawValue + UInt64(Self.interval) {
      checkLimits(position)
    }
  }

  /// For the sequencer; also called once when the store has been opened, because of what recovery brought.
  func checkLimits(_ position: CommitPosition) {
    lastLook = position.end
    let partitions = partitionSet.partitions
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

  /// For the sequencer, while the disk is full. Deletes free space, and the log can reuse its segments, only
  /// once LMDB has what is in memory. Seals one memtable of each partition at a time, so that they do not
  /// become many; also a second one if it has range deletes: what they hide in the first is not written, and
  /// the disk may have room only for the rest.
  func sealForApply() {
    for partition in partitionSet.partitions {
      let layers = partition.layers
      let limit = layers.activeTombstoneCount > 0 ? 2 : 1
      if layers.sealed.count < limit { partition.seal() }
    }
  }

  /// For the sequencer: range deletes are carried out only once they have been applied to LMDB.
  func sendDownRangeDeletes() {
    for partition in partitionSet.partitions where partition.layers.activeTombstoneCount > 0 {
      partition.seal()
    }
  }

  /// The same for partitions whose disks are nearly full, because the space that range deletes free is
  /// needed, and perhaps no more writes come that would have them applied. If another memtable is waiting to
  /// be applied, they wait for it: sealed ones must not become many, because every read searches them.
  func sendDownRangeDeletes(of partitions: [Partition]) {
    for partition in partitions {
      let layers = partition.layers
      if layers.activeTombstoneCount > 0, layers.sealed.isEmpty { partition.seal() }
    }
  }

  /// The same for partitions in which many have gathered.
  func sendDownGatheredRangeDeletes() {
    for partition in partitionSet.partitions where partition.shouldSealForTombstones {
      partition.seal()
    }
  }

  /// Seals the memtables that keep the log longer than its limit.
  private func shortenLog(_ position: CommitPosition) {
    let end = position.end.rawValue
    let limit = UInt64(options.logByteLimit)
    guard end > coordinator.checkpoint.rawValue + limit else { return }
    for partition in partitionSet.partitions {
      if let oldest = partition.oldestUnapplied, oldest.rawValue + limit / 2 < end,
        partition.layers.sealed.isEmpty
      {
        partition.seal()
      }
    }
  }
}
