import TxnWAL

/// The records beside the data: how far the file has come, and which range deletes are under way.

extension ReadTransaction {
  /// - Throws: `.corrupted` if it is missing or damaged; every partition has one from the start.
  func appliedState() throws(StoreError) -> AppliedState {
    try withValue(of: MetaKey.applied, in: .meta) { bytes throws(StoreError) in
      guard let bytes else {
        throw .corrupted(
          Finding(file: environment.path, expected: "an applied state", found: "none"))
      }
      return try AppliedState.decode(
        bytes, seed: environment.checksumSeed, file: environment.path)
    }
  }

  /// Every tombstone that is not carried out yet, oldest first.
  func tombstones() throws(StoreError) -> [RangeTombstone] {
    var cursor = try makeCursor(in: .tombstones)
    var tombstones: [RangeTombstone] = []
    var isEntry = try cursor.first()
    while isEntry {
      tombstones.append(
        try cursor.withEntry { key, value throws(StoreError) in
          try environment.decodeTombstone(key: key, value: value)
        })
      isEntry = try cursor.next()
    }
    return tombstones
  }
}

extension WriteTransaction {
  mutating func setAppliedState(_ state: AppliedState) throws(StoreError) {
    let bytes = state.encode(seed: environment.checksumSeed)
    try put(.meta, MetaKey.applied, bytes)
  }

  /// Writes a tombstone, or its new position.
  mutating func setTombstone(_ tombstone: RangeTombstone) throws(StoreError) {
    let key = tombstone.id.storedKey
    let bytes = tombstone.encode(seed: environment.checksumSeed)
    try put(.tombstones, key, bytes)
  }

  /// Forgets a tombstone that is carried out. Returns whether it was there.
  @discardableResult
  mutating func removeTombstone(_ id: RangeTombstone.ID) throws(StoreError) -> Bool {
    try delete(.tombstones, id.storedKey)
  }
}

extension LMDBEnvironment {
  fileprivate func decodeTombstone(key: RawSpan, value: RawSpan) throws(StoreError)
    -> RangeTombstone
  {
    let tombstone = try RangeTombstone.decode(value, seed: checksumSeed, file: path)
    guard Array(copying: key) == tombstone.id.storedKey else {
      throw .corrupted(
        Finding(
          file: path, key: Array(copying: key),
          expected: "the tombstone of that sequence and ordinal",
          found: "that of \(tombstone.sequence) and \(tombstone.ordinal)"))
    }
    return tombstone
  }
}

extension WriteTransaction {
  /// The tombstone with this id, with the newest position.
  func tombstone(_ id: RangeTombstone.ID) throws(StoreError) -> RangeTombstone? {
    let key = id.storedKey
    return try withValue(of: key.rawSpan, in: .tombstones) { value throws(StoreError) in
      guard let value else { return nil }
      return try environment.decodeTombstone(key: key.rawSpan, value: value)
    }
  }
}
