extension Reader {
  /// Lends what `key` has, of any type: nil and no bytes if it is absent or has expired.
  ///
  /// - Parameter through: as for `withValue`.
  @inline(__always)
  public func withEntry<R>(
    of key: RawSpan, through: SequenceNumber = 0,
    _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try withEntry(of: key, in: .keys, through: through, body)
  }

  /// The same for a key of `keyspace`.
  @inline(__always)
  package func withEntry<R>(
    of key: RawSpan, in keyspace: Keyspace, through: SequenceNumber = 0,
    _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let address = EntryAddress(keyspace, key)
    let place = place(of: address)
    return try withVersion(of: address, in: place.partition, hash: place.hash, through: through) {
      header, value throws(StoreError) in
      guard let header else { return try body(nil, value) }
      return try body(EntryInfo(header), value)
    }
  }

  /// The same, but also lends what has expired and is not removed yet.
  @inline(__always)
  package func withStoredEntry<R>(
    of key: RawSpan, through: SequenceNumber = 0,
    _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let address = EntryAddress(.keys, key)
    let place = place(of: address)
    return try withStoredVersion(
      of: address, in: place.partition, hash: place.hash, through: through
    ) {
      header, value throws(StoreError) in
      guard let header else { return try body(nil, value) }
      return try body(EntryInfo(header), value)
    }
  }

  /// Lends what many keys have, all as of one cut over their partitions and of one clock reading.
  ///
  /// - Parameters:
  ///   - keys: the position of each key in `bytes`.
  ///   - damaged: called instead of `body` for a key whose value does not check out. By default, throws that
  ///     error.
  ///   - body: called once for each key, in order.
  public func withEntries(
    of keys: [Range<Int>], in bytes: RawSpan, through: SequenceNumber = 0,
    damaged: (Int, StoreError) throws(StoreError) -> Void = { _, error throws(StoreError) in
      throw error
    },
    _ body: (Int, EntryInfo?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    try withVersions(of: keys, in: bytes, through: through, damaged: damaged) {
      place, header, value
        throws(StoreError) in
      guard let header else { return try body(place, nil, value) }
      try body(place, EntryInfo(header), value)
    }
  }

  /// Lends the entries of `range` in key order, over all partitions and as of one cut; otherwise as `scan`.
  public func scanEntries(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max, through: SequenceNumber = 0,
    skipsDamaged: Bool = false,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try scan(
      range, in: .keys, reverse: reverse, limit: limit, through: through, hiding: expiry,
      skipsDamaged: skipsDamaged, body)
  }

  /// Collects what `make` returns for the entries of `range` in `keyspace`, in key order and at most `limit`. For background work, which damage must not keep from sound entries: damaged values
  /// are left out, and so are partitions with damaged files, in which nothing can be changed.
  package func collectSound<R>(
    in keyspace: Keyspace, _ range: KeyRange, limit: Int,
    _ make: (_ key: RawSpan, _ value: RawSpan) -> R?
  ) throws(StoreError) -> [R] {
    func readOnlyCount() -> Int { partitionSet.partitions.count { $0.environment.isDamaged } }
    while true {
      let known = readOnlyCount()
      var found: [R] = []
      do throws(StoreError) {
        try scan(
          range, in: keyspace, reverse: false, limit: .max, through: 0, hiding: expiry,
          skipsDamaged: true, skipsReadOnly: true
        ) { key, _, value in
          if let made = make(key, value) { found.append(made) }
          return found.count < limit
        }
        return found
      } catch {
        // The damage was found just now: the next attempt leaves that partition out.
        end()
        guard readOnlyCount() > known else { throw error }
      }
    }
  }

  /// Runs `body` with a cut over the partition of `key`: all its reads are as of one sequence. `body` must
  /// not read through this reader in any other way.
  public func withCut<R>(
    of key: RawSpan, through: SequenceNumber = 0,
    _ body: (inout ReadCut) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try withCut(of: key, in: .keys, through: through, body)
  }

  /// The same for a key of `keyspace`.
  package func withCut<R>(
    of key: RawSpan, in keyspace: Keyspace, through: SequenceNumber = 0,
    _ body: (inout ReadCut) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let isHeld = expiry.hold()
    defer { expiry.release(isHeld) }
    var cut = try ReadCut(self, of: EntryAddress(keyspace, key), through: through)
    return try body(&cut)
  }

  // MARK: Expiry

  /// Whether a read has met an expired entry since `forgetExpired` was last called.
  @inline(__always)
  public var hasMetExpired: Bool { expiry.metCount > 0 }

  /// The keys of those entries, at most the first `expiredKeyLimit`.
  public var expiredKeysSeen: [[UInt8]] { expiry.met }

  /// How many there were; a key may count more than once.
  public var expiredKeysSeenCount: Int { expiry.metCount }

  /// One clock reading decides expiry for everything that an evaluation reads.
  @inline(never)
  func beginEvaluation() {
    expiry.begin()
    pace.beginEvaluation()
  }

  @inline(never)
  func endEvaluation() {
    expiry.end()
    pace.endEvaluation()
  }

  /// The most keys that `expiredKeysSeen` keeps.
  public static var expiredKeyLimit: Int { ExpiryFilter.keyLimit }

  /// Clears what `expiredKeysSeen` and `expiredKeysSeenCount` report. Call it after reading them.
  public func forgetExpired() { expiry.forget() }
}
