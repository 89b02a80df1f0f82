/// Several reads of one or a few partitions, all as of one sequence and one clock reading: of an owner
/// and what it owns, for example. Valid only during the call that lends it.
public struct ReadCut: ~Copyable {
  private let reader: Reader
  private let through: SequenceNumber
  private var views: [PartitionView] = []
  /// Every batch up to this sequence is visible, and none after it.
  public private(set) var sequence: SequenceNumber = 0

  init(_ reader: Reader, of address: EntryAddress, through: SequenceNumber) throws(StoreError) {
    self.reader = reader
    self.through = through
    try extend(to: address)
  }

  /// Counts `stepCount` steps of work outside of scans, as `ScanBudget` does.
  package func advance(by stepCount: Int) throws(StoreError) {
    try reader.pace.advance(by: stepCount)
  }

  /// Whether the cut covers the partition of `key`, one of `keyspace`.
  package func covers(_ key: RawSpan, in keyspace: Keyspace = .keys) -> Bool {
    covers(EntryAddress(keyspace, key))
  }

  private func covers(_ address: EntryAddress) -> Bool {
    let index = reader.partitionSet.partition(of: address)
    return views.contains { $0.partition.index == index }
  }

  /// Adds the partition of `key`, one of `keyspace`. This may move `sequence` forward: read again what was
  /// read before, which is as of an earlier one.
  package mutating func extend(to key: RawSpan, in keyspace: Keyspace = .keys) throws(StoreError) {
    try extend(to: EntryAddress(keyspace, key))
  }

  private mutating func extend(to address: EntryAddress) throws(StoreError) {
    if covers(address) { return }
    views.append(reader.takeView(of: address))
    sequence = try reader.partitionSet.cut(views, through: through)
  }

  /// Lends what `key` has: nil and no bytes if it is absent or has expired. Its partition must be covered.
  @inline(__always)
  public func withEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try withEntry(of: key, in: .keys, body)
  }

  /// The same for a key of `keyspace`.
  @inline(__always)
  package func withEntry<R>(
    of key: RawSpan, in keyspace: Keyspace,
    _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let address = EntryAddress(keyspace, key)
    try reader.pace.advance(by: 2)
    return try view(of: address).withVersion(
      of: address, hash: reader.partitionSet.hash.hash(address), at: sequence
    ) {
      header, value throws(StoreError) in
      guard let header, !reader.expiry.hides(header.expiry, of: address) else {
        return try body(nil, RawSpan())
      }
      try reader.pace.advance(by: ScanBudget.steps(forByteCount: value.byteCount))
      return try body(EntryInfo(header), value)
    }
  }

  /// Lends the entries of `range` in `keyspace` that are in the partition of `key`, in key order, until
  /// `limit` or until `body` returns false. O(log n) to begin.
  ///
  /// - Parameter skipsDamaged: whether values that do not check out are skipped and counted, rather than
  ///   thrown.
  package func scanEntries(
    _ range: KeyRange, in keyspace: Keyspace, ofPartitionOf key: RawSpan, reverse: Bool = false,
    limit: Int = .max, skipsDamaged: Bool = false,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try VisibleScan(
      views: [view(of: EntryAddress(keyspace, key))], keyspace: keyspace, sequence: sequence,
      expiry: reader.expiry, pace: reader.pace, skipsDamaged: skipsDamaged
    )
    .run(range, reverse: reverse, limit: limit, body)
  }

  private func view(of address: EntryAddress) -> PartitionView {
    let index = reader.partitionSet.partition(of: address)
    guard let view = views.first(where: { $0.partition.index == index }) else {
      preconditionFailure("the cut does not cover the partition of this key")
    }
    return view
  }
}
