import Base
import Synchronization
import TxnWAL

/// All partitions of a store, and which address belongs to which.
final class PartitionSet: Sendable {
  let partitions: [Partition]
  let hash: KeyHash
  let watermarks: Watermarks
  let clock: ExpiryClock
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
    presence.settle(partitions.contains { $0.mayHoldOwned })
  }

  /// The partition that `address` belongs to.
  @inline(__always)
  func partition(of address: EntryAddress) -> Int { address.partition(count: partitions.count) }

  /// The partition of an entry that is about to be written. Records that there may be owners if it is one
  /// that is owned.
  @inline(__always)
  func partition(ofWritten address: EntryAddress) -> Int {
    if address.keyspace == .owned { presence.noteOwner() }
    return partition(of: address)
  }

  /// Whether an entry that is owned may be stored: one was there at open, or was written since.
  @inline(__always)
  var mayHoldOwners: Bool { presence.mayHoldOwners }
}
