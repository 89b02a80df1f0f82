import TxnWAL

/// Orphans, for the layer that gave their owners a meaning.
extension Store {
  /// Whether there may be orphans that were noted since this was called last; true the first time. Look for
  /// them afterwards.
  package func takeOrphanSignal() -> Bool { keyspace.presence.takeOrphans() }

  /// At most `limit` orphans in the order of their keys, those behind `position` only. Each is durable.
  package func orphans(
    behind position: [UInt8], limit: Int, with reader: Reader
  ) throws(StoreError) -> [Orphan] {
    var range = InternalKey.orphans
    if !position.isEmpty { range.lower = position + [0] }
    var orphans: [Orphan] = []
    try reader.scanEntries(stored: range, limit: limit) { key, _, value in
      if let orphan = Orphan(key: key, value: value) { orphans.append(orphan) }
      return true
    }
    return orphans
  }

  /// The range deletes that are being carried out, the most of any partition.
  package var rangeDeleteCount: Int {
    keyspace.partitions.reduce(0) { max($0, $1.layers.tombstones.count) }
  }
}

extension Evaluation {
  /// Forgets `orphan`: nothing that its owner owned is left behind this batch.
  package mutating func delete(_ orphan: Orphan) throws(StoreError) {
    try delete(stored: orphan.key.rawSpan)
  }
}
