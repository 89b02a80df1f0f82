import Base

/// Owners removed by a range delete of the same batch that writes their keys. Apply cannot tell the order
/// within a batch, so the evaluation writes their orphan notes itself.
extension Evaluation {
  /// Called before the entry at `address` is written. If a range delete of this batch hides what was stored there before the
  /// batch, and the batch has not written the key, writes an orphan note if the hidden entry is an owner. (If
  /// the batch had written the key before the range delete, that write would have handled the owner.)
  @inline(never)
  mutating func putOrphanOfHidden(_ address: EntryAddress) throws(StoreError) {
    guard mayHoldOwners, address.keyspace == .keys,
      own.isHiddenAndUnwritten(address, in: sequencer)
    else { return }
    let key = address.key
    let orphan = try reader.withStoredEntry(of: key, through: .max) { info, value in
      info.flatMap { Orphan(ownerKey: key, type: $0.type, value: value) }
    }
    if let orphan { try put(orphan) }
  }

  /// Writes the orphan note of an owner that this batch has written, and that a range delete of it removes.
  mutating func putOrphan(of key: RawSpan, _ written: TransactionWrites.Put) throws(StoreError) {
    let orphan = sequencer.withPayload(in: written.value) {
      Orphan(ownerKey: key, type: written.type, value: $0)
    }
    if let orphan { try put(orphan) }
  }

  private mutating func put(_ orphan: Orphan) throws(StoreError) {
    if DeliberateBug.forgetsOrphans.isOn { return }
    try putEntry(orphan.key.rawSpan, orphan.value.rawSpan, in: .orphans)
  }
}
