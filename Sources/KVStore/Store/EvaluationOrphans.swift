import Base

/// Owners that a range delete removes in the same batch as their keys are written: apply cannot tell what came
/// first in a batch, so the evaluation notes their orphans itself.
extension Evaluation {
  /// To be called before `key` is written. Where a range delete of this batch hides what was stored there before the
  /// batch, and the batch has not written the key, what is hidden is noted if it is an owner. (Had the batch
  /// written it before the range delete, that write has seen to the owner.)
  @inline(never)
  mutating func putOrphanOfHidden(_ key: RawSpan) throws(StoreError) {
    guard mayContainMaps, !InternalKey.contains(key), own.isHiddenUntouched(key, in: sequencer)
    else {
      return
    }
    let orphan = try reader.withStoredEntry(of: key, through: .max) { info, value in
      info.flatMap { Orphan(ownerKey: key, type: $0.type, value: value) }
    }
    if let orphan { try put(orphan) }
  }

  /// Of an owner that this batch has written, and that a range delete of it removes.
  mutating func putOrphan(of key: RawSpan, _ written: OwnWrites.Put) throws(StoreError) {
    let orphan = sequencer.withPayload(in: written.value) {
      Orphan(ownerKey: key, type: written.type, value: $0)
    }
    if let orphan { try put(orphan) }
  }

  private mutating func put(_ orphan: Orphan) throws(StoreError) {
    if DeliberateBug.forgetsOrphans.isOn { return }
    try put(stored: orphan.key.rawSpan, orphan.value.rawSpan)
  }
}
