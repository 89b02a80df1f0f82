import Base

/// Entries with a type or an expiry.
extension Evaluation {
  /// The time by which this evaluation's entries have expired or not: one moment for all of it. In
  /// milliseconds since 1970.
  public var now: UInt64 { reader.expiry.now }

  /// The sequence that the batch gets if it is carried out.
  public var nextSequence: SequenceNumber { sequencer.nextSequence }

  /// Whether a map's field is stored, or was written since the store was opened, also by this evaluation.
  /// While it is false, what a put replaces cannot be a map.
  public var mayContainMaps: Bool { keyspace.mayContainMaps }

  /// Lends what `key` has, whatever its type: nil and no bytes where it is absent or has expired.
  @inline(__always)
  public mutating func withEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    var result: R?
    try lendEntry(of: key) { info, value throws(StoreError) in result = try body(info, value) }
    guard let result else { preconditionFailure("a look-up that lent nothing") }
    return result
  }

  /// The same for whatever is made of it. (Public so that the one above can become part of what uses it, in
  /// whichever module.)
  public mutating func lendEntry(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    if InternalKey.contains(key) { return try body(nil, RawSpan()) }
    try lendEntry(stored: key, body)
  }

  /// Lends what `key`, which may be an internal one, has: nil and no bytes where it is absent or has expired.
  @inline(__always)
  package mutating func withEntry<R>(
    stored key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    var result: R?
    try lendEntry(stored: key) { info, value throws(StoreError) in result = try body(info, value) }
    guard let result else { preconditionFailure("a look-up that lent nothing") }
    return result
  }

  /// The same for whatever is made of it.
  package mutating func lendEntry(
    stored key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    switch own.find(key, in: sequencer) {
    case .untouched: return try reader.withEntry(stored: key, through: .max, body)
    case .deleted: return try body(nil, RawSpan())
    case .put(let write):
      if reader.expiry.hides(write.expiry, of: key) { return try body(nil, RawSpan()) }
      return try lend(write, body)
    }
  }

  /// The same, but what has expired and is not removed yet is lent too: for whoever removes or replaces it,
  /// and what belongs to it.
  public mutating func withStoredEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    if InternalKey.contains(key) { return try body(nil, RawSpan()) }
    switch own.find(key, in: sequencer) {
    case .untouched: return try reader.withStoredEntry(of: key, through: .max, body)
    case .deleted: return try body(nil, RawSpan())
    case .put(let write): return try lend(write, body)
    }
  }

  private func lend<R>(
    _ write: OwnWrites.Put, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let info = EntryInfo(
      sequence: sequencer.nextSequence, type: write.type, expiry: write.expiry)
    return try sequencer.withPayload(in: write.value) { value throws(StoreError) in
      try body(info, value)
    }
  }

  /// Sets `key` to a value of a type, below 128, that ceases to exist when the store's clock (`now`) shows `expiry`,
  /// milliseconds since 1970; 0 for never. Throws as the plain `put` does.
  ///
  /// - Parameter oldExpiry: that of the entry which is replaced, if the caller has read it: its place in the
  ///   index of expiries is given up then. Otherwise it stays there until its time.
  public mutating func put(
    _ key: RawSpan, _ value: RawSpan, type: UInt8, expiry: UInt64 = 0,
    replacing oldExpiry: UInt64 = 0
  ) throws(StoreError) {
    try Limits.check(key: key)
    try Limits.check(value: value)
    try asOneChange { evaluation throws(StoreError) in
      try evaluation.releaseRelated(to: key)
      try evaluation.put(stored: key, value, type: type, expiry: expiry, replacing: oldExpiry)
    }
  }

  /// Puts an entry as it is: as the plain `put(stored:)` does.
  package mutating func put(
    stored key: RawSpan, _ value: RawSpan, type: UInt8, expiry: UInt64 = 0,
    replacing oldExpiry: UInt64 = 0
  ) throws(StoreError) {
    precondition(type <= EntryHeader.typeLimit)
    try Limits.check(stored: key)
    if expiry | oldExpiry != 0 { try Limits.check(expiring: key) }
    try Limits.check(value: value)
    try begin(
      key, contentByteCount: key.byteCount + value.byteCount,
      indexCount: (expiry == 0 ? 0 : 1) + (oldExpiry == 0 ? 0 : 1))
    if type == 0, expiry == 0 {
      sequencer.appendPut(key, value)
    } else {
      sequencer.appendPut(key, value, type: type, expiry: expiry)
    }
    if ExpiryIndex.time(expiry) == ExpiryIndex.time(oldExpiry) { return }
    if oldExpiry != 0 { sequencer.appendDeleteIndex(of: key, expiry: oldExpiry) }
    if expiry != 0 { sequencer.appendPutIndex(of: key, expiry: expiry) }
  }

  /// Removes `key`, whose entry had `oldExpiry`, and gives its place in the index of expiries up.
  public mutating func delete(_ key: RawSpan, replacing oldExpiry: UInt64) throws(StoreError) {
    try Limits.check(key: key)
    try asOneChange { evaluation throws(StoreError) in
      try evaluation.releaseRelated(to: key)
      try evaluation.delete(stored: key, replacing: oldExpiry)
    }
  }

  /// Removes an entry alone: as the plain `delete(stored:)` does.
  package mutating func delete(
    stored key: RawSpan, replacing oldExpiry: UInt64
  ) throws(StoreError) {
    try Limits.check(stored: key)
    if oldExpiry != 0 { try Limits.check(expiring: key) }
    try begin(key, contentByteCount: key.byteCount, indexCount: oldExpiry == 0 ? 0 : 1)
    sequencer.appendDelete(key)
    if oldExpiry != 0 { sequencer.appendDeleteIndex(of: key, expiry: oldExpiry) }
  }

  /// Removes the entry of `key` if it has expired, what belongs to it, and its place in the index of expiries.
  /// Returns what it was; nil, and nothing is written, where it has not or is not there.
  @discardableResult
  public mutating func deleteExpired(_ key: RawSpan) throws(StoreError) -> EntryInfo? {
    let found = try withStoredEntry(of: key) { info, _ in info }
    guard let found, found.expiry != 0, found.expiry <= now else { return nil }
    try delete(key, replacing: found.expiry)
    return found
  }

  /// Gives up the place in the index of expiries that `indexKey` is. `deleteExpired` gives up that of the entry
  /// which it deletes; earlier ones of the same key, left by blind puts, are given up by this alone.
  package mutating func deleteIndex(_ indexKey: RawSpan) throws(StoreError) {
    try delete(stored: indexKey)
  }

  /// Keeps `now` as the least time that the store's clock shows after it is opened again: what has expired by
  /// then stays so, whatever the machine's clock says. Keeps the clock's lead, too, for as long as nobody sets the
  /// machine's.
  public mutating func putClock() throws(StoreError) {
    let key = ClockRecord.key
    let value = ClockRecord.value(now, keyspace.clock.standing)
    try put(stored: key.rawSpan, value.rawSpan)
  }

  /// Whether a read of this evaluation has met an entry that had expired, and the keys of the first ones: as
  /// of a `Reader`.
  public var expiredMet: [[UInt8]] { reader.expiredMet }
}
