import Base

/// Orphans, for the layer that defines what their owners mean.
extension Store {
  /// Whether orphan notes may have been written since the last call; true the first time. Look for them after
  /// this call, not before.
  package func takeOrphanSignal() -> Bool { partitionSet.presence.takeOrphans() }

  /// At most `limit` orphans in key order, only those after `position`. Each is durable. Notes that are
  /// damaged, or in a partition that takes no more writes, are left out.
  package func orphans(
    behind position: [UInt8], limit: Int, with reader: Reader
  ) throws(StoreError) -> [Orphan] {
    let range = KeyRange(from: position.isEmpty ? [] : position + [0])
    return try reader.collectSound(in: .orphans, range, limit: limit) { key, value in
      Orphan(key: key, value: value)
    }
  }

  /// How many range deletes are not carried out yet in the partition of `key`, one of `keyspace`.
  package func rangeDeleteCount(inPartitionOf key: RawSpan, in keyspace: Keyspace) -> Int {
    partitionSet.partitions[partitionSet.partition(of: EntryAddress(keyspace, key))]
      .layers.tombstones.count
  }
}

extension Evaluation {
  /// Deletes the note `orphan`: after this batch, nothing that its owner owned is left.
  package mutating func delete(_ orphan: Orphan) throws(StoreError) {
    try deleteEntry(orphan.key.rawSpan, in: .orphans)
  }
}
