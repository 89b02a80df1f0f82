import Base

extension Evaluation {
  /// Lends the entries of `range` in key order, with this evaluation's own writes among them.
  ///
  /// Returns after `limit` entries, at the end of the range, or when `body` returns false. All writers wait
  /// meanwhile, also for the disk if the entries are not in memory: keep the range small. Throws
  /// `.walkStopped` if the evaluation exceeds the deadline in the reader's `pace`.
  ///
  /// - Complexity: O(log n + w log w) to begin, for w own writes; O(partitions) per entry.
  public mutating func scan(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max, skipsDamaged: Bool = false,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try scanEntries(range, reverse: reverse, limit: limit, skipsDamaged: skipsDamaged) {
      key, _, value throws(StoreError) in
      try body(key, value)
    }
  }

  /// The same with the metadata of the entries. Expired entries are left out.
  public mutating func scanEntries(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max, skipsDamaged: Bool = false,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try scan(
      range, in: .keys, of: nil, reverse: reverse, limit: limit, hiding: reader.expiry,
      skipsDamaged: skipsDamaged, body)
  }

  /// The same for the entries of `keyspace` in the partition of `key` only. O(log n) to begin.
  package mutating func scanEntries(
    _ range: KeyRange, in keyspace: Keyspace, ofPartitionOf key: RawSpan, reverse: Bool = false,
    limit: Int = .max, skipsDamaged: Bool = false,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let partition = partitionSet.partition(of: EntryAddress(keyspace, key))
    try scan(
      range, in: keyspace, of: partition, reverse: reverse, limit: limit, hiding: reader.expiry,
      skipsDamaged: skipsDamaged, body)
  }

  /// - Parameter partition: the only partition to scan, or nil for all.
  private mutating func scan(
    _ range: KeyRange, in keyspace: Keyspace, of partition: Int?, reverse: Bool, limit: Int,
    hiding expiry: ExpiryFilter?, skipsDamaged: Bool,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    guard limit > 0, !range.isEmpty else { return }
    let partitionSet = partitionSet
    let found = own.entries(in: range.storedKeys(in: keyspace), sequencer)
    try pace.advance(by: found.count)
    var written = found.filter { entry in
      partition.map { $0 == partitionSet.partition(of: EntryAddress(storedAs: entry.key.rawSpan)) }
        ?? true
    }[...]
    let own = own
    var left = limit
    func lend(_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool {
      left -= 1
      return try body(key, info, value) && left > 0
    }
    func lend(_ storedKey: [UInt8], _ put: TransactionWrites.Put?) throws(StoreError) -> Bool {
      let address = EntryAddress(storedAs: storedKey.rawSpan)
      guard let put, !(expiry?.hides(put.expiry, of: address) ?? false) else { return true }
      let info = EntryInfo(sequence: sequencer.nextSequence, type: put.type, expiry: put.expiry)
      return try sequencer.withPayload(in: put.value) { value throws(StoreError) in
        try lend(address.key, info, value)
      }
    }
    var isDone = false
    try reader.scan(
      range, in: keyspace, of: partition, reverse: reverse, limit: .max, through: .max,
      hiding: expiry, skipsDamaged: skipsDamaged
    ) { key, info, value throws(StoreError) in
      while let next = reverse ? written.last : written.first {
        let order = EntryAddress(storedAs: next.key.rawSpan).key.compare(to: key)
        if reverse ? order < 0 : order > 0 { break }
        _ = reverse ? written.popLast() : written.popFirst()
        isDone = try !lend(next.key, next.put)
        // What this evaluation has written replaces what is stored.
        if isDone || order == 0 { return !isDone }
      }
      if own.isDeletedByRange(EntryAddress(keyspace, key)) { return true }
      isDone = try !lend(key, info, value)
      return !isDone
    }
    while !isDone, let next = reverse ? written.popLast() : written.popFirst() {
      isDone = try !lend(next.key, next.put)
    }
  }

  /// The number of users' keys that have a value, including this evaluation's own writes. Expired keys count until they are removed. Usually O(keys in memory); O(keys) if the evaluation has
  /// deleted a range, or while a range delete is being carried out.
  public mutating func countEntries() throws(StoreError) -> Int {
    var count = 0
    guard !own.hasVisibleRanges else {
      try scan(
        .everything, in: .keys, of: nil, reverse: false, limit: .max, hiding: nil,
        skipsDamaged: true
      ) { _, _, _ in
        count += 1
        return true
      }
      return count
    }
    count = try reader.countEntries(through: .max)
    for entry in own.entries(in: KeyRange.everything.storedKeys(in: .keys), sequencer) {
      try pace.advance(by: 2)
      let key = EntryAddress(storedAs: entry.key.rawSpan).key
      let wasThere = try reader.withStoredEntry(of: key, through: .max) { info, _ in info != nil }
      count += (entry.put == nil ? 0 : 1) - (wasThere ? 1 : 0)
    }
    return count
  }
}
