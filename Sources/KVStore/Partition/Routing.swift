/// Maps a key to one of a store's partitions: the 16384 slots are spread evenly, in order.
enum Routing {
  /// The slot of a key: as Redis Cluster computes it, or as written in an internal key.
  @inline(__always)
  static func slot(of key: RawSpan) -> Int {
    if key.beginsWithZero { return slotAfterZero(of: key) }
    return SlotHash.slot(of: key)
  }

  @inline(never)
  private static func slotAfterZero(of key: RawSpan) -> Int {
    InternalKey.internalSlot(of: key) ?? SlotHash.slot(of: key)
  }

  @inline(__always)
  static func partition(of key: RawSpan, count: Int) -> Int {
    slot(of: key) * count / SlotHash.slotCount
  }
}
