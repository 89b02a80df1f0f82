import Base
import TxnWAL

extension Store {
  /// The value of `key`, nil where it has none: the newest that is durable. O(1) expected in memory,
  /// O(log n) below. Throws `.corrupted` where what the disk holds does not check out.
  public func get(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    try checkOpen()
    try Limits.check(stored: key.rawSpan)
    let reader = makeReader()
    defer { reader.close() }
    return try reader.withValue(of: key.rawSpan) { value throws(StoreError) in
      if let value { Array(copying: value) } else { nil }
    }
  }

  /// The sequence of the batch that wrote `key`, 0 where it has no value: what a precondition compares.
  public func sequence(of key: [UInt8]) throws(StoreError) -> SequenceNumber {
    try checkOpen()
    try Limits.check(stored: key.rawSpan)
    let reader = makeReader()
    defer { reader.close() }
    return try reader.sequence(of: key.rawSpan)
  }

  /// A reader for one thread that reads much.
  public func makeReader() -> Reader {
    Reader(keyspace)
  }

  /// Tells this store from others, for as long as it exists.
  public var id: StoreID { manifest.storeID }

  /// The store as it is now, for as long as the snapshot is open.
  public func snapshot() throws(StoreError) -> Snapshot {
    try checkOpen()
    return try Snapshot(keyspace, registry: openSnapshots)
  }

  /// Entries of `range` in the order of keys, as of one moment, at most `limit`; backward where
  /// `reverse`. For more than fits into memory use a snapshot's `scan`.
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

  /// The same, and a range that lies among internal keys shows them.
  package func scan(
    stored range: KeyRange, limit: Int = .max
  ) throws(StoreError) -> [(key: [UInt8], value: [UInt8])] {
    try checkOpen()
    let reader = makeReader()
    defer { reader.close() }
    var entries: [(key: [UInt8], value: [UInt8])] = []
    try reader.scanEntries(stored: range, limit: limit) { key, _, value in
      entries.append((Array(copying: key), Array(copying: value)))
      return true
    }
    return entries
  }

  /// The number of keys that have a value. O(keys in memory) as a rule, O(keys) while a range delete is
  /// being carried out.
  public func countEntries() throws(StoreError) -> Int {
    try checkOpen()
    let reader = makeReader()
    defer { reader.close() }
    return try reader.countEntries()
  }
}
