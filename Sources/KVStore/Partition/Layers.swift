import Synchronization
import TxnWAL

/// A memtable, with what else its partition must remember about the same part of the log.
///
/// Sound as `@unchecked Sendable`: the plain fields are written only by the partition's writer thread. Other
/// threads read them only after the layer has been sealed, which happens under the partition's lock.
final class MemtableLayer: @unchecked Sendable {
  let memtable: Memtable
  /// Range deletes that arrived while this was the active layer, oldest first.
  private(set) var tombstones: [RangeTombstone] = []
  /// The positions after the first and the last batch in it.
  private(set) var firstPosition: CommitPosition?
  private(set) var lastPosition: CommitPosition?
  /// The byte count of the memtable, fixed when it is sealed.
  var sealedByteCount = 0
  /// Whether these bytes count in the budget. Once sealed, it is accessed only under the partition's lock.
  var isCounted = false

  init(hash: KeyHash, spare: PagePool) {
    memtable = Memtable(hash: hash, spare: spare)
  }

  var isEmpty: Bool { lastPosition == nil }

  func note(_ position: CommitPosition) {
    if firstPosition == nil { firstPosition = position }
    lastPosition = position
  }

  func add(_ new: [RangeTombstone]) {
    tombstones += new
  }
}

/// The layers of a partition above LMDB, at one moment. Immutable: sealing a memtable, dropping one, adding
/// the tombstones of a batch and finishing some each create a new object.
final class Layers: Sendable {
  let active: MemtableLayer
  /// Memtables that are waiting to be applied to LMDB, newest first.
  let sealed: [MemtableLayer]
  /// Range deletes that may still hide something.
  let tombstones: RangeIndex
  /// How many of them belong to the active layer, so that they cannot be carried out yet.
  let activeTombstoneCount: Int

  init(
    active: MemtableLayer, sealed: [MemtableLayer], tombstones: RangeIndex,
    activeTombstoneCount: Int = 0
  ) {
    self.active = active
    self.sealed = sealed
    self.tombstones = tombstones
    self.activeTombstoneCount = activeTombstoneCount
  }

  /// The sequence of the newest range delete, at or below `sequence`, that covers `address`; 0 if there is none.
  /// O(log² tombstones).
  @inline(__always)
  func tombstoneSequence(over address: EntryAddress, at sequence: SequenceNumber) -> SequenceNumber
  {
    tombstones.newest(over: address, at: sequence)
  }
}
