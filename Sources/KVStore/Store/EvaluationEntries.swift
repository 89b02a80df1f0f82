import Base

/// Entries with a type or an expiry.
extension Evaluation {
  /// The time that decides what has expired, in milliseconds since 1970: one clock reading for the whole
  /// evaluation.
  public var now: UInt64 { reader.expiry.now }

  /// The sequence that the batch gets if it is committed.
  public var nextSequence: SequenceNumber { sequencer.nextSequence }

  /// Whether entries that own others may be stored: one was there at open, or was written since, also by this
  /// evaluation. While it is false, a put replaces nothing that owns others.
  package var mayHoldOwners: Bool { partitionSet.mayHoldOwners }

  /// Lends what `key` has, of any type: nil and no bytes if it is absent or has expired.
  @inline(__always)
  public mutating func withEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    var result: R?
    try lendEntry(of: key) { info, value throws(StoreError) in result = try body(info, value) }
    guard let result else { preconditionFailure("the lookup did not call its body") }
    return result
  }

  /// The same, but not specialized for a result. (Public so that `withEntry` can be inlined in any module.)
  public mutating func lendEntry(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    try lendEntry(of: key, in: .keys, body)
  }

  /// Lends what `key`, one of `keyspace`, has: nil and no bytes if it is absent or has expired.
  @inline(__always)
  package mutating func withEntry<R>(
    of key: RawSpan, in keyspace: Keyspace,
    _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    var result: R?
    try lendEntry(of: key, in: keyspace) { info, value throws(StoreError) in
      result = try body(info, value)
    }
    guard let result else { preconditionFailure("the lookup did not call its body") }
    return result
  }

  /// The same, but not specialized for a result.
  package mutating func lendEntry(
    of key: RawSpan, in keyspace: Keyspace,
    _ body: (EntryInfo?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    let address = EntryAddress(keyspace, key)
    switch own.find(address, in: sequencer) {
    case .untouched: return try reader.withEntry(of: key, in: keyspace, through: .max, body)
    case .deleted: return try body(nil, RawSpan())
    case .put(let write):
      if reader.expiry.hides(write.expiry, of: address) { return try body(nil, RawSpan()) }
      return try lend(write, body)
    }
  }

  /// The same, but also lends what has expired and is not removed yet: for callers that remove or replace it,
  /// and what belongs to it.
  public mutating func withStoredEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    switch own.find(EntryAddress(.keys, key), in: sequencer) {
    case .untouched: return try reader.withStoredEntry(of: key, through: .max, body)
    case .deleted: return try body(nil, RawSpan())
    case .put(let write): return try lend(write, body)
    }
  }

  private func lend<R>(
    _ write: TransactionWrites.Put, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let info = EntryInfo(
      sequence: sequencer.nextSequence, type: write.type, expiry: write.expiry)
    return try sequencer.withPayload(in: write.value) { value throws(StoreError) in
      try body(info, value)
    }
  }

  /// Sets `key` to a value with a type below 128. The entry expires when the store's clock (`now`) reaches
  /// `expiry`, in milliseconds since 1970; 0 means never. Throws as the plain `put` does.
  ///
  /// - Parameter oldExpiry: the expiry of the replaced entry, if the caller has read it: its entry in the
  ///   expiry index is then removed. Otherwise that stays until its time.
  public mutating func put(
    _ key: RawSpan, _ value: RawSpan, type: UInt8, expiry: UInt64 = 0,
    replacing oldExpiry: UInt64 = 0
  ) throws(StoreError) {
    try Limits.check(key: key)
    try Limits.check(value: value)
    try atomically { evaluation throws(StoreError) in
      try evaluation.releaseRelated(to: key)
      try evaluation.putEntry(key, value, type: type, expiry: expiry, replacing: oldExpiry)
    }
  }

  /// Puts a single entry of `Keyspace.keys`, as the plain `putEntry` does, with its entry in the expiry index.
  package mutating func putEntry(
    _ key: RawSpan, _ value: RawSpan, type: UInt8, expiry: UInt64 = 0,
    replacing oldExpiry: UInt64 = 0
  ) throws(StoreError) {
    precondition(type <= EntryHeader.typeLimit)
    let address = EntryAddress(.keys, key)
    try Limits.check(key: key)
    try Limits.check(value: value)
    try begin(
      address, contentByteCount: key.byteCount + value.byteCount,
      indexCount: (expiry == 0 ? 0 : 1) + (oldExpiry == 0 ? 0 : 1))
    if type == 0, expiry == 0 {
      sequencer.appendPut(address, value)
    } else {
      sequencer.appendPut(address, value, type: type, expiry: expiry)
    }
    if expiry == oldExpiry { return }
    if oldExpiry != 0 { sequencer.appendDeleteIndex(of: key, expiry: oldExpiry) }
    if expiry != 0 { sequencer.appendPutIndex(of: key, expiry: expiry) }
  }

  /// Removes `key`, whose entry had `oldExpiry`, and removes it from the expiry index.
  public mutating func delete(_ key: RawSpan, replacing oldExpiry: UInt64) throws(StoreError) {
    try Limits.check(key: key)
    try atomically { evaluation throws(StoreError) in
      try evaluation.releaseRelated(to: key)
      try evaluation.deleteEntry(key, replacing: oldExpiry)
    }
  }

  /// Removes a single entry of `Keyspace.keys`, as the plain `deleteEntry` does, with its entry in the expiry
  /// index.
  package mutating func deleteEntry(
    _ key: RawSpan, replacing oldExpiry: UInt64
  ) throws(StoreError) {
    let address = EntryAddress(.keys, key)
    try Limits.check(key: key)
    try begin(address, contentByteCount: key.byteCount, indexCount: oldExpiry == 0 ? 0 : 1)
    sequencer.appendDelete(address)
    if oldExpiry != 0 { sequencer.appendDeleteIndex(of: key, expiry: oldExpiry) }
  }

  /// Removes the entry of `key` if it has expired, along with what belongs to it and its entry in the expiry
  /// index. Returns what it was. Returns nil, and writes nothing, if it has not expired or is not there.
  @discardableResult
  public mutating func deleteExpired(_ key: RawSpan) throws(StoreError) -> EntryInfo? {
    let found = try withStoredEntry(of: key) { info, _ in info }
    guard let found, found.expiry != 0, found.expiry <= now else { return nil }
    try delete(key, replacing: found.expiry)
    return found
  }

  /// Removes the entry `indexKey` of the expiry index. `deleteExpired` removes that of the entry which it
  /// deletes; earlier ones of the same key, left by blind puts, are removed only by this.
  package mutating func deleteIndex(_ indexKey: RawSpan) throws(StoreError) {
    try deleteEntry(indexKey, in: .expiries)
  }

  /// Stores `now` as the least time that the store's clock shows after the store is opened again: what has
  /// expired by then stays expired, whatever the system clock says. Also stores the clock's lead, which stays
  /// valid until the system clock is set.
  public mutating func putClock() throws(StoreError) {
    let key = ClockRecord.key
    let value = ClockRecord.value(now, partitionSet.clock.standing)
    try putEntry(key.rawSpan, value.rawSpan, in: .clock)
  }

  /// Whether reads of this evaluation have met expired entries, as for a `Reader`.
  public var hasMetExpired: Bool { reader.hasMetExpired }

  /// The keys of the first expired entries that reads of this evaluation have met, as for a `Reader`.
  public var expiredKeysSeen: [[UInt8]] { reader.expiredKeysSeen }
}
