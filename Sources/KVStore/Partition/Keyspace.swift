import Base
import Synchronization
import TxnWAL

/// All partitions of a store, and which key belongs to which.
final class Keyspace: Sendable {
  let partitions: [Partition]
  let hash: KeyHash
  let watermarks: Watermarks
  let clock: ExpiryClock
  private let mayHoldMaps: Atomic<Bool>
  let presence: OwnerPresence

  init(
    partitions: [Partition], hash: KeyHash, watermarks: Watermarks, clock: ExpiryClock,
    presence: OwnerPresence = OwnerPresence()
  ) {
    self.partitions = partitions
    self.hash = hash
    self.watermarks = watermarks
    self.clock = clock
    self.presence = presence
    let mayHoldMaps = partitions.contains { $0.mayHoldMaps }
    self.mayHoldMaps = Atomic(mayHoldMaps)
    presence.settle(mayHoldMaps)
  }

  /// The partition that `key` belongs to.
  @inline(__always)
  func partition(of key: RawSpan) -> Int {
    Routing.partition(of: key, count: partitions.count)
  }

  /// The partition of a key that is about to be written. Records that there may be maps if it is the key of a
  /// map field.
  @inline(__always)
  func partition(ofWritten key: RawSpan) -> Int {
    if key.beginsWithZero, InternalKey.isMapField(key) { noteMap() }
    return partition(of: key)
  }

  @inline(never)
  private func noteMap() {
    if mayContainMaps { return }
    presence.noteOwner()
    mayHoldMaps.store(true, ordering: .relaxed)
  }

  /// Whether a map field may be stored: one was there at open, or was written since.
  var mayContainMaps: Bool { mayHoldMaps.load(ordering: .relaxed) }
}
