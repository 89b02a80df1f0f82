import Base

/// The records besides the data: how far the log is applied, and which range deletes are in progress.

extension ReadTransaction {
  /// - Throws: `.corrupted` if it is missing or damaged; every partition has one from the start.
  func appliedState() throws(StoreError) -> AppliedState {
    try withRecord(of: MetaKey.applied, in: .meta) { bytes throws(StoreError) in
      guard let bytes else {
        throw .corrupted(
          Finding(file: environment.path, expected: "an applied state", found: "none"))
      }
      return try AppliedState.decode(
        bytes, seed: environment.checksumSeed, file: environment.path)
    }
  }

  /// How many entries are not users'. O(1).
  func otherEntryCount() throws(StoreError) -> Int { try appliedState().otherEntryCount }

  /// Whether there is any entry that is owned. O(log n).
  func hasOwned() throws(StoreError) -> Bool {
    guard try appliedState().otherEntryCount != 0 else { return false }
    var cursor = try makeCursor()
    let bound = [Keyspace.owned.rawValue]
    guard try cursor.seek(bound.rawSpan) else { return false }
    return cursor.withEntry { key, _ in EntryAddress(storedAs: key).keyspace == .owned }
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
  /// How far the log is applied, before this transaction changed it.
  mutating func appliedState() throws(StoreError) -> AppliedState {
    let applied = MetaKey.applied
    let (seed, path) = (environment.checksumSeed, environment.path)
    return try withValue(of: applied.rawSpan, in: .meta) { bytes throws(StoreError) in
      guard let bytes else {
        throw .corrupted(Finding(file: path, expected: "an applied state", found: "none"))
      }
      return try AppliedState.decode(bytes, seed: seed, file: path)
    }
  }

  mutating func setAppliedState(_ state: AppliedState) throws(StoreError) {
    let bytes = state.encode(seed: environment.checksumSeed)
    try put(.meta, MetaKey.applied, bytes)
  }

  /// The oldest tombstones that are to be carried out together, of those whose log records end at or below
  /// `lsn`: up to the first one that has a position, or at most `limit`. O(n).
  mutating func oldestTombstones(
    limit: Int, upTo lsn: UInt64
  ) throws(StoreError) -> [RangeTombstone] {
    let environment = environment
    return try withCursor(in: .tombstones) { cursor throws(StoreError) in
      var tombstones: [RangeTombstone] = []
      var isEntry = try cursor.first()
      while isEntry, tombstones.count < limit {
        let next = try cursor.withEntry { key, value throws(StoreError) in
          try environment.decodeTombstone(key: key, value: value)
        }
        if next.lsn > lsn { break }
        tombstones.append(next)
        if next.position != nil { break }
        isEntry = try cursor.next()
      }
      return tombstones
    }
  }

  /// Writes a tombstone, or its new position.
  mutating func setTombstone(_ tombstone: RangeTombstone) throws(StoreError) {
    let key = tombstone.id.storedKey
    let bytes = tombstone.encode(seed: environment.checksumSeed)
    try put(.tombstones, key, bytes)
  }

  /// Removes a tombstone that has been carried out. Returns whether it existed.
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
          expected: "a tombstone with the sequence and ordinal of its key",
          found: "sequence \(tombstone.sequence) and ordinal \(tombstone.ordinal)"))
    }
    return tombstone
  }
}
