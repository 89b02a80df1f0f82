import Base

/// The store as it was at one moment: a consistent cut over all partitions.
///
/// It keeps memtables in memory and keeps LMDB from reusing pages, so that files grow while it is open: close
/// it soon. One that is older than `StoreOptions.snapshotAgeLimit` expires when something has been written to
/// LMDB; its reads then throw `.snapshotTooOld`. A read in progress is not interrupted, except between two
/// entries of a scan. Not for use by two threads at a time.
public final class Snapshot {
  /// Every batch up to this sequence is visible, and none after it.
  public let sequence: SequenceNumber
  private let partitionSet: PartitionSet
  private let pin: SnapshotPin
  private let registry: OpenSnapshots
  /// Decides expiry by the time at which the snapshot was taken.
  private let expiry: ExpiryFilter

  init(_ partitionSet: PartitionSet, registry: OpenSnapshots) throws(StoreError) {
    self.partitionSet = partitionSet
    self.registry = registry
    let views = partitionSet.partitions.map { PartitionView($0) }
    sequence = try partitionSet.cut(views, through: 0)
    pin = SnapshotPin(views)
    expiry = ExpiryFilter(partitionSet.clock)
    expiry.holdNow()
    registry.add(pin)
  }

  deinit {
    close()
  }

  /// Releases memory and files. Later reads throw `.closed`.
  public func close() {
    registry.remove(pin)
    pin.end(because: .closed)
  }

  /// The value of `key`, or nil if it had none. O(1) expected in memory, O(log n) in the file. Throws
  /// `.wrongType` if the value is not bytes.
  public func get(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try Limits.check(key: key.rawSpan)
    return try withEntry(of: key.rawSpan) { info, value throws(StoreError) in
      guard let info else { return nil }
      guard info.type == 0 else { throw .wrongType }
      return Array(copying: value)
    }
  }

  /// Lends what `key` had, of any type: nil and no bytes if it was absent or had expired.
  public func withEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try pin.read { views throws(StoreError) in
      let address = EntryAddress(.keys, key)
      return try views[partitionSet.partition(of: address)].withVersion(
        of: address, hash: partitionSet.hash.hash(address), at: sequence
      ) { header, value throws(StoreError) in
        guard let header, !expiry.hides(header.expiry, of: address) else {
          return try body(nil, RawSpan())
        }
        return try body(EntryInfo(header), value)
      }
    }
  }

  /// Lends the entries of `range` in key order, backward if `reverse`, until `limit` or until `body` returns
  /// false. O(log n) to begin, O(partitions) per entry.
  public func scan(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try scanEntries(range, reverse: reverse, limit: limit) { key, _, value throws(StoreError) in
      try body(key, value)
    }
  }

  /// The same with the metadata of the entries.
  public func scanEntries(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try pin.read { views throws(StoreError) in
      try VisibleScan(views: views, keyspace: .keys, sequence: sequence, expiry: expiry)
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
