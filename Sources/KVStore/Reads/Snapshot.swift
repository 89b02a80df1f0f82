import Base

/// The store as it was at one moment: a consistent cut over all partitions.
///
/// It holds memtables in memory and keeps LMDB from reusing pages, so that files grow while it lives:
/// close it soon. One that is older than `StoreOptions.snapshotAgeLimit` is ended by the store when
/// something has been written to LMDB; its reads throw `.snapshotTooOld` then. A read that is under way is
/// never cut off but between two entries of a scan. Not for use by two threads at a time.
public final class Snapshot {
  /// Every batch up to this sequence is in it, and none behind.
  public let sequence: SequenceNumber
  private let keyspace: Keyspace
  private let pin: SnapshotPin
  private let registry: OpenSnapshots
  /// Of the moment when it was taken.
  private let expiry: ExpiryFilter

  init(_ keyspace: Keyspace, registry: OpenSnapshots) throws(StoreError) {
    self.keyspace = keyspace
    self.registry = registry
    let views = keyspace.partitions.map { PartitionView($0) }
    sequence = try keyspace.cut(views, through: 0)
    pin = SnapshotPin(views)
    expiry = ExpiryFilter(keyspace.clock)
    expiry.holdNow()
    registry.add(pin)
  }

  deinit {
    close()
  }

  /// Lets go of memory and files. A read afterwards throws `.closed`.
  public func close() {
    registry.remove(pin)
    pin.end(because: .closed)
  }

  /// The value of `key`, nil where it had none. O(1) expected in memory, O(log n) below. Throws `.wrongType`
  /// where it is not bytes.
  public func get(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try Limits.check(stored: key.rawSpan)
    return try withEntry(of: key.rawSpan) { info, value throws(StoreError) in
      guard let info else { return nil }
      guard info.type == 0 else { throw .wrongType }
      return Array(copying: value)
    }
  }

  /// Lends what `key` had, whatever its type: nil and no bytes where it was absent or had expired.
  public func withEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    if InternalKey.contains(key) { return try body(nil, RawSpan()) }
    return try pin.read { views throws(StoreError) in
      try views[keyspace.partition(of: key)].withVersion(
        of: key, hash: keyspace.hash.hash(key), at: sequence
      ) { header, value throws(StoreError) in
        guard let header, !expiry.hides(header.expiry, of: key) else {
          return try body(nil, RawSpan())
        }
        return try body(EntryInfo(header), value)
      }
    }
  }

  /// Lends the entries of `range` in the order of keys, backward where `reverse`, until `limit` or
  /// false from `body`. O(log n) to begin, O(partitions) an entry.
  public func scan(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try scanEntries(range, reverse: reverse, limit: limit) { key, _, value throws(StoreError) in
      try body(key, value)
    }
  }

  /// The same with what the entries say beside their values.
  public func scanEntries(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try pin.read { views throws(StoreError) in
      try VisibleScan(views: views, sequence: sequence, expiry: expiry)
        .run(range, reverse: reverse, limit: limit) { key, info, value throws(StoreError) in
          try pin.checkOpen()
          return try body(key, info, value)
        }
    }
  }

  /// The number of keys that have a value, as `Store.countEntries` counts them.
  public func countEntries() throws(StoreError) -> Int {
    try pin.read { views throws(StoreError) in
      try EntryCount(views: views, sequence: sequence).count()
    }
  }
}
