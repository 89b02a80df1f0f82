import Base
import TxnWAL

extension Store {
  /// The newest durable value of `key`, or nil if it has none. O(1) expected in memory, O(log n) in the file.
  /// Throws `.wrongType` if the value is not bytes, and `.corrupted` if what the disk holds does not check
  /// out.
  public func get(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try checkOpen()
    try Limits.check(key: key.rawSpan)
    let reader = makeReader()
    defer { reader.close() }
    return try reader.withValue(of: key.rawSpan) { value throws(StoreError) in
      if let value { Array(copying: value) } else { nil }
    }
  }

  /// The sequence of the batch that wrote `key`; 0 if it has no value. Preconditions compare it.
  public func sequence(of key: [UInt8]) throws(StoreError) -> SequenceNumber {
    try checkOpen()
    try Limits.check(key: key.rawSpan)
    let reader = makeReader()
    defer { reader.close() }
    return try reader.sequence(of: key.rawSpan)
  }

  /// A reader for one thread with many reads.
  public func makeReader() -> Reader {
    Reader(partitionSet)
  }

  /// Identifies this store for as long as it exists.
  public var id: StoreID { manifest.storeID }

  /// The store as it is now, for as long as the snapshot is open.
  public func snapshot() throws(StoreError) -> Snapshot {
    try checkOpen()
    return try Snapshot(partitionSet, registry: openSnapshots)
  }

  /// At most `limit` entries of `range` in key order, as of one moment; backward if `reverse`. For more than
  /// fits into memory use a snapshot's `scan`.
  public func scan(
    _ range: KeyRange, reverse: Bool = false, limit: Int
  ) throws(StoreError) -> [(key: [UInt8], value: [UInt8])] {
    let snapshot = try snapshot()
    defer { snapshot.close() }
    var entries: [(key: [UInt8], value: [UInt8])] = []
    try snapshot.scan(range, reverse: reverse, limit: limit) { key, value in
      entries.append((Array(copying: key), Array(copying: value)))
      return true
    }
    return entries
  }

  /// At most `limit` entries of `range` in `keyspace`, in key order, backward if `reverse`.
  package func scan(
    _ range: KeyRange, in keyspace: Keyspace, reverse: Bool = false, limit: Int = .max
  ) throws(StoreError) -> [(key: [UInt8], value: [UInt8])] {
    try checkOpen()
    let reader = makeReader()
    defer { reader.close() }
    var entries: [(key: [UInt8], value: [UInt8])] = []
    try reader.scan(
      range, in: keyspace, reverse: reverse, limit: limit, through: 0, hiding: reader.expiry
    ) { key, _, value in
      entries.append((Array(copying: key), Array(copying: value)))
      return true
    }
    return entries
  }

  /// The number of keys that have a value. Usually O(keys in memory); O(keys) while a range delete is being
  /// carried out.
  public func countEntries() throws(StoreError) -> Int {
    try checkOpen()
    let reader = makeReader()
    defer { reader.close() }
    return try reader.countEntries()
  }
}
