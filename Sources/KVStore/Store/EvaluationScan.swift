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

  /// The same with the metadata of the entries. Internal keys and expired entries are left out.
  public mutating func scanEntries(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max, skipsDamaged: Bool = false,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try scan(
      range, in: nil, reverse: reverse, limit: limit, hiding: reader.expiry,
      skipsDamaged: skipsDamaged, body)
  }

  /// The same in the partition of `key` only, and a range among internal keys shows them, such as the fields
  /// of a map. O(log n) to begin.
  package mutating func scanEntries(
    stored range: KeyRange, inPartitionOf key: RawSpan, reverse: Bool = false, limit: Int = .max,
    skipsDamaged: Bool = false,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let partition = keyspace.partition(of: key)
    try scan(
      range, in: partition, reverse: reverse, limit: limit, hiding: reader.expiry,
      showsInternal: true, skipsDamaged: skipsDamaged, body)
  }

  private mutating func scan(
    _ range: KeyRange, in partition: Int?, reverse: Bool, limit: Int,
    hiding expiry: ExpiryFilter?, showsInternal: Bool = false, skipsDamaged: Bool = false,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    var left = limit
    let parts = showsInternal ? range.storedParts : range.userParts
    for part in reverse ? parts.reversed() : parts where left > 0 && !part.isEmpty {
      try scanPart(
        part, in: partition, reverse: reverse, hiding: expiry, skipsDamaged: skipsDamaged
      ) {
        key, info, value throws(StoreError) in
        left -= 1
        if try !body(key, info, value) { left = 0 }
        return left > 0
      }
    }
  }

  /// Scans a range that consists of internal keys only, or that contains none.
  private mutating func scanPart(
    _ range: KeyRange, in partition: Int?, reverse: Bool, hiding expiry: ExpiryFilter?,
    skipsDamaged: Bool,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let keyspace = keyspace
    let found = own.entries(in: range, sequencer)
    try pace.advance(by: found.count)
    var written = found.filter { entry in
      partition.map { $0 == keyspace.partition(of: entry.key.rawSpan) } ?? true
    }[...]
    let own = own
    func lend(_ key: [UInt8], _ put: TransactionWrites.Put?) throws(StoreError) -> Bool {
      guard let put, !(expiry?.hides(put.expiry, of: key.rawSpan) ?? false) else { return true }
      let info = EntryInfo(sequence: sequencer.nextSequence, type: put.type, expiry: put.expiry)
      return try sequencer.withPayload(in: put.value) { value throws(StoreError) in
        try body(key.rawSpan, info, value)
      }
    }
    var isDone = false
    try reader.scan(
      range, in: partition, reverse: reverse, limit: .max, through: .max, hiding: expiry,
      skipsDamaged: skipsDamaged, showsInternal: true
    ) { key, info, value throws(StoreError) in
      while let next = reverse ? written.last : written.first {
        let order = next.key.rawSpan.compare(to: key)
        if reverse ? order < 0 : order > 0 { break }
        _ = reverse ? written.popLast() : written.popFirst()
        isDone = try !lend(next.key, next.put)
        // What this evaluation has written replaces what is stored.
        if isDone || order == 0 { return !isDone }
      }
      if own.isDeletedByRange(key) { return true }
      isDone = try !body(key, info, value)
      return !isDone
    }
    while !isDone, let next = reverse ? written.popLast() : written.popFirst() {
      isDone = try !lend(next.key, next.put)
    }
  }

  /// The number of keys that have a value, including this evaluation's own writes, without internal keys.
  /// Expired keys count until they are removed. Usually O(keys in memory); O(keys) if the evaluation has
  /// deleted a range, or while a range delete is being carried out.
  public mutating func countEntries() throws(StoreError) -> Int {
    var count = 0
    guard !own.hasVisibleRanges else {
      try scan(
        .everything, in: nil, reverse: false, limit: .max, hiding: nil, skipsDamaged: true
      ) { _, _, _ in
        count += 1
        return true
      }
      return count
    }
    count = try reader.countEntries(through: .max)
    for entry in own.entries(in: .everything, sequencer) {
      try pace.advance(by: 2)
      let key = entry.key.rawSpan
      if InternalKey.contains(key) { continue }
      let wasThere = try reader.withStoredEntry(of: key, through: .max) { info, _ in info != nil }
      count += (entry.put == nil ? 0 : 1) - (wasThere ? 1 : 0)
    }
    return count
  }
}
