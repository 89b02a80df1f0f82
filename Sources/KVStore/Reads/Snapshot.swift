import TxnWAL

/// The store as it was at one moment: a consistent cut over all partitions.
///
/// It holds memtables in memory and keeps LMDB from reusing pages, so that files grow while it lives:
/// close it soon. Not for use by two threads at a time.
public final class Snapshot {
  /// Every batch up to this sequence is in it, and none behind.
  public let sequence: SequenceNumber
  private let keyspace: Keyspace
  private let views: [PartitionView]
  private var isClosed = false

  init(_ keyspace: Keyspace) throws(StoreError) {
    self.keyspace = keyspace
    views = keyspace.partitions.map { PartitionView($0) }
    sequence = try keyspace.cut(views, through: 0)
  }

  deinit {
    close()
  }

  /// Lets go of memory and files. A read afterwards throws `.closed`.
  public func close() {
    isClosed = true
    for view in views { view.close() }
  }

  /// The value of `key`, nil where it had none. O(1) expected in memory, O(log n) below.
  public func get(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
    guard !isClosed else { throw .closed }
    try Limits.check(key: key.rawSpan)
    let view = views[keyspace.partition(of: key.rawSpan)]
    return try view.withVersion(
      of: key.rawSpan, hash: keyspace.hash.hash(key.rawSpan), at: sequence
    ) { header, value throws(StoreError) in header == nil ? nil : Array(copying: value) }
  }

  /// Lends the entries of `range` in the order of keys, backward where `reverse`, until `limit` or
  /// false from `body`. O(log n) to begin, O(partitions) an entry.
  public func scan(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    guard !isClosed else { throw .closed }
    var scan = try RangeScan(views, range: range, reverse: reverse, at: sequence)
    try scan.run(limit: limit, body)
  }

  /// The number of keys that have a value.
  public func countEntries() throws(StoreError) -> Int {
    guard !isClosed else { throw .closed }
    return try EntryCount(views: views, sequence: sequence).count()
  }
}
