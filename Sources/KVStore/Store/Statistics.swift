/// Figures about a store, all from about the same moment.
public struct Statistics: Sendable {
  /// The sequence of the newest visible batch.
  public var publishedSequence: UInt64 = 0
  /// The position up to which the log is durable.
  public var durableLSN: UInt64 = 0
  /// The position at which recovery would begin to read.
  public var checkpointLSN: UInt64 = 0
  /// The number of segments of the log.
  public var segmentCount = 0
  /// The bytes of all segments of the log.
  public var logByteCount = 0
  /// The bytes of further segments, which are kept for holds alone.
  public var heldLogByteCount = 0
  /// The holds on the log that are in force.
  public var holdCount = 0
  /// The holds that were lost and not released yet.
  public var lostHoldCount = 0
  /// The name of the hold in force with the least position; empty if there is none.
  public var oldestHold = ""
  /// The number of partitions.
  public var partitionCount = 0
  /// The bytes of active memtables.
  public var activeMemtableByteCount = 0
  /// The bytes of sealed memtables, which are waiting to be applied to LMDB.
  public var sealedMemtableByteCount = 0
  /// The number of sealed memtables.
  public var sealedMemtableCount = 0
  /// The limit on the bytes of memtables.
  public var memtableByteLimit = 0
  /// The range deletes that are not carried out yet, in the partition that has the most.
  public var tombstoneCount = 0
  /// The entries in LMDB, including those hidden by range deletes.
  public var storedEntryCount = 0
  /// The bytes of all LMDB files.
  public var fileByteCount = 0
  /// The pages of LMDB that are free for reuse.
  public var freePageCount = 0
  /// The LMDB reader slots in use.
  public var readerSlotCount = 0
  /// The reader slots of dead processes that were freed since the store was opened.
  public var staleReaderCount = 0
  /// The snapshots that have expired since the store was opened.
  public var expiredSnapshotCount = 0
  /// The reads that met damage since the store was opened.
  public var corruptedReadCount = 0
  /// The distinct damaged values that reads have met since the store was opened; at most 10,000 are told
  /// apart for each partition.
  public var damagedValueCount = 0
  /// The partitions that take no more writes because their files are damaged.
  public var readOnlyPartitions: [Int] = []
  /// By how many milliseconds the clock that entries expire by is ahead of the system clock.
  public var clockLeadMilliseconds: UInt64 = 0
  /// Whether writes are refused because the disk is full.
  public var isDiskFull = false
  /// Why writes are refused; empty if they are not.
  public var poisonReason = ""

  /// Every field by the name that clients see.
  public var fields: [(name: String, value: String)] {
    [
      ("published_sequence", "\(publishedSequence)"),
      ("durable_lsn", "\(durableLSN)"),
      ("checkpoint_lsn", "\(checkpointLSN)"),
      ("log_segments", "\(segmentCount)"),
      ("log_bytes", "\(logByteCount)"),
      ("log_held_bytes", "\(heldLogByteCount)"),
      ("log_holds", "\(holdCount)"),
      ("log_lost_holds", "\(lostHoldCount)"),
      ("log_oldest_hold", oldestHold),
      ("partitions", "\(partitionCount)"),
      ("memtable_active_bytes", "\(activeMemtableByteCount)"),
      ("memtable_sealed_bytes", "\(sealedMemtableByteCount)"),
      ("memtable_sealed_count", "\(sealedMemtableCount)"),
      ("memtable_limit_bytes", "\(memtableByteLimit)"),
      ("range_tombstones", "\(tombstoneCount)"),
      ("stored_entries", "\(storedEntryCount)"),
      ("lmdb_file_bytes", "\(fileByteCount)"),
      ("lmdb_free_pages", "\(freePageCount)"),
      ("lmdb_reader_slots", "\(readerSlotCount)"),
      ("lmdb_stale_readers_cleared", "\(staleReaderCount)"),
      ("snapshots_expired", "\(expiredSnapshotCount)"),
      ("corrupted_reads", "\(corruptedReadCount)"),
      ("damaged_values", "\(damagedValueCount)"),
      ("read_only_partitions", readOnlyPartitions.map(String.init).joined(separator: ",")),
      ("expiry_clock_offset_ms", "\(clockLeadMilliseconds)"),
      ("disk_full", isDiskFull ? "1" : "0"),
      ("poisoned", poisonReason),
    ]
  }
}

extension Store {
  /// Figures about the store. O(partitions), with a few system calls for each. Counting the free pages is
  /// O(transactions of LMDB whose freed pages are not reused yet), and may read from the disk.
  public func statistics() throws(StoreError) -> Statistics {
    try statistics(countsFreePages: true)
  }

  /// Only the number of pages of LMDB that are free for reuse.
  package func freePageCount() throws(StoreError) -> Int {
    var count = 0
    for partition in partitionSet.partitions {
      let transaction = try partition.takeReadTransaction()
      defer { partition.giveBack(transaction) }
      count += try transaction.countFreePages()
    }
    return count
  }

  /// The same, but counts the free pages only if `countsFreePages`.
  package func statistics(countsFreePages: Bool) throws(StoreError) -> Statistics {
    var statistics = Statistics()
    let watermarks = partitionSet.watermarks
    statistics.publishedSequence = watermarks.published
    statistics.durableLSN = watermarks.durable.rawValue
    statistics.checkpointLSN = coordinator.checkpoint.rawValue
    statistics.segmentCount = coordinator.segmentCount
    statistics.logByteCount = coordinator.segmentCount * coordinator.segmentByteCount
    let retention = coordinator.retention.statistics
    statistics.heldLogByteCount = retention.heldByteCount
    statistics.holdCount = retention.holdCount
    statistics.lostHoldCount = retention.lostHoldCount
    statistics.oldestHold = retention.oldestHold?.name ?? ""
    statistics.partitionCount = partitionSet.partitions.count
    statistics.memtableByteLimit = budget.byteCount
    statistics.poisonReason = poisoned.map { "\($0)" } ?? ""
    statistics.isDiskFull = diskFull != nil
    statistics.clockLeadMilliseconds = clockLead
    statistics.expiredSnapshotCount = openSnapshots.expiredCount
    for partition in partitionSet.partitions {
      statistics.corruptedReadCount += partition.environment.corruptedReadCount
      statistics.damagedValueCount += partition.environment.damageLog.count
      statistics.staleReaderCount += partition.environment.staleReaderCount
      if partition.environment.damage != nil {
        statistics.readOnlyPartitions.append(partition.index)
      }
      let layers = partition.layers
      statistics.activeMemtableByteCount += layers.active.memtable.byteCount
      statistics.sealedMemtableByteCount += layers.sealed.reduce(0) { $0 + $1.sealedByteCount }
      statistics.sealedMemtableCount += layers.sealed.count
      statistics.tombstoneCount = max(statistics.tombstoneCount, layers.tombstones.count)
      let below = try partition.storageStatistics(countsFreePages: countsFreePages)
      statistics.storedEntryCount += below.entryCount
      statistics.fileByteCount += below.fileByteCount
      statistics.freePageCount += below.freePageCount
      statistics.readerSlotCount += below.readerSlotsUsed
    }
    return statistics
  }
}

extension Partition {
  func storageStatistics(countsFreePages: Bool = true) throws(StoreError) -> LMDBStatistics {
    let transaction = try takeReadTransaction()
    defer { giveBack(transaction) }
    return try transaction.statistics(countsFreePages: countsFreePages)
  }
}
