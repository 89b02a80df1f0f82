import Base

/// Maps an address to one of a store's partitions: the 16,384 slots are spread evenly, in order.
extension EntryAddress {
  /// The slot, in 0..<16,384. A key that is too short for its keyspace's routing is one of a damaged file,
  /// and is hashed as a whole.
  @inline(__always)
  var slot: Int {
    switch keyspace.routing {
    case .key: SlotHash.slot(of: key)
    case .leadingSlot where key.byteCount >= 2:
      Int(key.load(at: 0, as: UInt16.self).byteSwapped) % SlotHash.slotCount
    case .keyBehindWord where key.byteCount >= 8:
      SlotHash.slot(of: key.extracting(droppingFirst: 8))
    case .leadingSlot, .keyBehindWord: SlotHash.slot(of: key)
    }
  }

  /// Whether the key has what its keyspace demands of it.
  var isWellFormed: Bool {
    switch keyspace.routing {
    case .key: true
    case .leadingSlot:
      key.byteCount >= 2
        && key.load(at: 0, as: UInt16.self).byteSwapped < UInt16(SlotHash.slotCount)
        && (keyspace != .owned || key.byteCount >= Orphan.identityByteCount)
        && (keyspace != .orphans || key.byteCount == Orphan.keyByteCount)
    case .keyBehindWord: key.byteCount >= 8
    }
  }

  @inline(__always)
  func partition(count: Int) -> Int { slot * count / SlotHash.slotCount }
}

extension Keyspace {
  /// The hash slot of a user's key, in 0..<16,384, as Redis Cluster computes it.
  package static func slot(ofUserKey key: RawSpan) -> Int { SlotHash.slot(of: key) }
}
