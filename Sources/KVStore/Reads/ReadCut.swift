/// Several reads of one or a few partitions, all as of one sequence and one clock reading: of a map's record
/// and its fields, for example. Valid only during the call that lends it.
public struct ReadCut: ~Copyable {
  private let reader: Reader
  private let through: SequenceNumber
  private var views: [PartitionView] = []
  /// Every batch up to this sequence is visible, and none after it.
  public private(set) var sequence: SequenceNumber = 0

  init(_ reader: Reader, of key: RawSpan, through: SequenceNumber) throws(StoreError) {
    self.reader = reader
    self.through = through
    try extend(to: key)
  }

  /// Counts `stepCount` steps of work outside of scans, as `ScanBudget` does.
  package func advance(by stepCount: Int) throws(StoreError) {
    try reader.pace.advance(by: stepCount)
  }

  /// Whether the cut covers the partition of `key`.
  public func covers(_ key: RawSpan) -> Bool {
    let index = reader.keyspace.partition(of: key)
    return views.contains { $0.partition.index == index }
  }

  /// Adds the partition of `key`. This may move `sequence` forward: read again what was read before, which is
  /// as of an earlier one.
  public mutating func extend(to key: RawSpan) throws(StoreError) {
    if covers(key) { return }
    views.append(reader.takeView(of: key))
    sequence = try reader.keyspace.cut(views, through: through)
  }

  /// Lends what `key` has: nil and no bytes if it is absent or has expired. Its partition must be covered.
  public func withEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    if InternalKey.contains(key) { return try body(nil, RawSpan()) }
    return try withEntry(stored: key, body)
  }

  /// The same for a key that may be internal.
  @inline(__always)
  package func withEntry<R>(
    stored key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try reader.pace.advance(by: 2)
    return try view(of: key).withVersion(
      of: key, hash: reader.keyspace.hash.hash(key), at: sequence
    ) {
      header, value throws(StoreError) in
      guard let header, !reader.expiry.hides(header.expiry, of: key) else {
        return try body(nil, RawSpan())
      }
      try reader.pace.advance(by: ScanBudget.steps(forByteCount: value.byteCount))
      return try body(EntryInfo(header), value)
    }
  }

  /// Lends the entries of `range`, which may lie among internal keys, in the partition of `key` and in key
  /// order, until `limit` or until `body` returns false. O(log n) to begin.
  ///
  /// - Parameter skipsDamaged: whether values that do not check out are skipped and counted, rather than
  ///   thrown.
  package func scanEntries(
    stored range: KeyRange, inPartitionOf key: RawSpan, reverse: Bool = false, limit: Int = .max,
    skipsDamaged: Bool = false,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try VisibleScan(
      views: [view(of: key)], sequence: sequence, expiry: reader.expiry, pace: reader.pace,
      showsInternal: true, skipsDamaged: skipsDamaged
    )
    .run(range, reverse: reverse, limit: limit, body)
  }

  private func view(of key: RawSpan) -> PartitionView {
    let index = reader.keyspace.partition(of: key)
    guard let view = views.first(where: { $0.partition.index == index }) else {
      preconditionFailure("the cut does not cover the partition of this key")
    }
    return view
  }
}
