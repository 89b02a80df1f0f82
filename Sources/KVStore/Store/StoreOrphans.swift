import Base

/// Orphans, for the layer that gave their owners a meaning.
extension Store {
  /// Whether there may be orphans that were noted since this was called last; true the first time. Look for
  /// them afterwards.
  package func takeOrphanSignal() -> Bool { keyspace.presence.takeOrphans() }

  /// At most `limit` orphans in the order of their keys, those behind `position` only. Each is durable. Notes that are
  /// damaged, or in a partition that takes no more writes, are left out.
  package func orphans(
    behind position: [UInt8], limit: Int, with reader: Reader
  ) throws(StoreError) -> [Orphan] {
    var range = InternalKey.orphans
    if !position.isEmpty { range.lower = position + [0] }
    return try reader.collectSound(stored: range, limit: limit) { key, value in
      Orphan(key: key, value: value)
    }
  }

  /// The range deletes that are being carried out in the partition of `key`, which may be an internal one.
  package func rangeDeleteCount(inPartitionOf key: RawSpan) -> Int {
    keyspace.partitions[keyspace.partition(of: key)].layers.tombstones.count
  }
}

extension Evaluation {
  /// Forgets `orphan`: nothing that its owner owned is left behind this batch.
  package mutating func delete(_ orphan: Orphan) throws(StoreError) {
    try delete(stored: orphan.key.rawSpan)
  }
}
