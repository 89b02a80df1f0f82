/// Several reads of one partition, or of a few, all as of one sequence and one moment: of a map, its record
/// and its fields. Lives as long as the call that lends it.
public struct ReadCut: ~Copyable {
  private let reader: Reader
  private let through: SequenceNumber
  private var views: [PartitionView] = []
  /// Every batch up to this one is seen, and none behind.
  public private(set) var sequence: SequenceNumber = 0

  init(_ reader: Reader, of key: RawSpan, through: SequenceNumber) throws(StoreError) {
    self.reader = reader
    self.through = through
    try extend(to: key)
  }

  /// Counts `stepCount` steps of work beside walks, as `WalkPace` does.
  package func advance(by stepCount: Int) throws(StoreError) {
    try reader.pace.advance(by: stepCount)
  }

  /// Whether the partition of `key` belongs to it.
  public func covers(_ key: RawSpan) -> Bool {
    let index = reader.keyspace.partition(of: key)
    return views.contains { $0.partition.index == index }
  }

  /// Takes the partition of `key` in. `sequence` may be a later one then, and what was read before is of
  /// an earlier one: read it again.
  public mutating func extend(to key: RawSpan) throws(StoreError) {
    if covers(key) { return }
    views.append(reader.takeView(of: key))
    sequence = try reader.keyspace.cut(views, through: through)
  }

  /// Lends what `key`, whose partition is covered, has: nil and no bytes where it is absent.
  public func withEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    if InternalKey.contains(key) { return try body(nil, RawSpan()) }
    return try withEntry(stored: key, body)
  }

  /// The same for a key that may be an internal one.
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
      try reader.pace.advance(by: WalkPace.steps(forByteCount: value.byteCount))
      return try body(EntryInfo(header), value)
    }
  }

  /// Lends the entries of `range`, which may lie among internal keys, in the partition of `key`, in the order of
  /// keys, until `limit` or false from `body`. O(log n) to begin.
  ///
  /// - Parameter skipsDamaged: whether values that do not check out are left out, and counted, in place of an error.
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
      preconditionFailure("a read of a partition that the cut does not cover")
    }
    return view
  }
}
