import Base
import Synchronization
import TxnWAL

/// All partitions together, and which key belongs to which.
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

  /// The same for a key that is written: maps are taken note of.
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

  /// Whether a map's field is stored, or was written since the store was opened.
  var mayContainMaps: Bool { mayHoldMaps.load(ordering: .relaxed) }
}
