import Base
import TxnWAL

/// What is wrong with an open store, for operators.
extension Store {
  /// Why writes are refused for lack of disk space, or because a hold on the log keeps as much as it may; nil if they are
  /// not. Perhaps only those that delete ranges are.
  public var diskFull: StoreError? {
    if let full = applyWorkers.diskFull { return full }
    if let full = purgeWorker.shortage.error,
      partitionSet.partitions.contains(where: \.hasTombstoneBacklog)
    {
      return full
    }
    do throws(LogError) {
      _ = try coordinator.hasRoom(for: 0, appended: coordinator.appended, usingReserve: false)
      return nil
    } catch {
      return error.isOutOfRoom ? StoreError(error) : nil
    }
  }

  /// The partitions that take no more writes, and what is wrong with their files.
  public var damagedPartitions: [(index: Int, error: StoreError)] {
    partitionSet.partitions.compactMap { partition in
      partition.environment.damage.map { (partition.index, $0) }
    }
  }

  /// Whether the partition of `key`, one of `keyspace`, takes no more writes.
  package func isReadOnly(partitionOf key: RawSpan, in keyspace: Keyspace = .keys) -> Bool {
    partitionSet.partitions[partitionSet.partition(of: EntryAddress(keyspace, key))].environment
      .isDamaged
  }

  /// The error of a write to the first partition that takes none; nil if there is no such partition.
  package var readOnlyRefusal: StoreError? {
    partitionSet.partitions.lazy.compactMap { $0.environment.readOnlyRefusal }.first
  }

  /// How many partitions take no more writes. Never decreases while the store is open.
  package var readOnlyPartitionCount: Int {
    partitionSet.partitions.count { $0.environment.isDamaged }
  }

  /// The damaged values that reads have met since the last call, by partition, and how many more there were.
  /// Each is reported once.
  public func takeDamage() -> [(partition: Int, findings: [Finding], omittedCount: Int)] {
    partitionSet.partitions.compactMap { partition in
      let (findings, omitted) = partition.environment.damageLog.take()
      return findings.isEmpty ? nil : (partition.index, findings, omitted)
    }
  }

  /// Checks whether the store's files still have their names, some of them at each call. If they do not, what
  /// is written would be lost when the process ends, so writes are refused from then on. Returns what is
  /// missing.
  @discardableResult
  public func checkFiles() -> String? {
    guard let loss = files.findLoss() else { return nil }
    coordinator.poison(because: "the store's files were removed or replaced: \(loss)")
    return loss
  }
}
