import Synchronization
import TxnWAL

/// A memtable with what else its partition must remember of the same stretch of the log.
///
/// Sound as `@unchecked Sendable`: the plain fields are written only by the thread that is the
/// partition's writer, and read by others only after the layer has been sealed, which happens under the
/// partition's lock.
final class MemtableLayer: @unchecked Sendable {
  let memtable: Memtable
  /// Range deletes that came while this was the active layer, oldest first.
  private(set) var tombstones: [RangeTombstone] = []
  /// The position behind the first and the last batch in it.
  private(set) var firstPosition: CommitPosition?
  private(set) var lastPosition: CommitPosition?
  /// The bytes of the memtable, fixed when it is sealed.
  var sealedByteCount = 0
  /// Whether they count in the budget. Once sealed, only under the partition's lock.
  var isCounted = false

  init(hash: KeyHash, spare: SparePages) {
    memtable = Memtable(hash: hash, spare: spare)
  }

  var isEmpty: Bool { lastPosition == nil }

  func note(_ position: CommitPosition) {
    if firstPosition == nil { firstPosition = position }
    lastPosition = position
  }

  func add(_ tombstone: RangeTombstone) {
    tombstones.append(tombstone)
  }
}

/// What a partition consists of above LMDB, at one moment. Immutable as a list: sealing, dropping a
/// memtable, adding and finishing a tombstone each make a new one.
final class Layers: Sendable {
  let active: MemtableLayer
  /// On their way down to LMDB, the newest first.
  let sealed: [MemtableLayer]
  /// Range deletes that may still hide something, oldest first.
  let tombstones: [RangeTombstone]

  init(active: MemtableLayer, sealed: [MemtableLayer], tombstones: [RangeTombstone]) {
    self.active = active
    self.sealed = sealed
    self.tombstones = tombstones
  }

  /// The sequence of the newest range delete, at or below `sequence`, that covers `key`; 0 if none
  /// does. O(tombstones).
  @inline(__always)
  func tombstoneSequence(over key: RawSpan, at sequence: SequenceNumber) -> SequenceNumber {
    if tombstones.isEmpty { return 0 }
    return searchTombstones(over: key, at: sequence)
  }

  private func searchTombstones(
    over key: RawSpan, at sequence: SequenceNumber
  ) -> SequenceNumber {
    for tombstone in tombstones.reversed() where tombstone.sequence <= sequence {
      if tombstone.covers(key) { return tombstone.sequence }
    }
    return 0
  }
}

extension RangeTombstone {
  /// Whether `key` lies in the range.
  func covers(_ key: RawSpan) -> Bool {
    if key.isBefore(lower.rawSpan) { return false }
    if let upper { return key.isBefore(upper.rawSpan) }
    return true
  }
}
