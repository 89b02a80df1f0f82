import TxnWAL

/// All partitions together, and which key belongs to which.
final class Keyspace: Sendable {
  let partitions: [Partition]
  let hash: KeyHash
  let watermarks: Watermarks

  init(partitions: [Partition], hash: KeyHash, watermarks: Watermarks) {
    self.partitions = partitions
    self.hash = hash
    self.watermarks = watermarks
  }

  /// The partition that `key` belongs to: the 16384 slots are spread evenly, in order.
  @inline(__always)
  func partition(of key: RawSpan) -> Int {
    SlotHash.slot(of: key) * partitions.count / SlotHash.slotCount
  }
}
