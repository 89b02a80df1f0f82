/// The reads of one thread, batched: it keeps memtables and LMDB views from one read to the next, which makes
/// a read cheap.
///
/// Call `end` before the thread waits for anything: what a reader holds keeps LMDB from reusing pages, and
/// memory from being freed. Not for use by two threads at a time.
public final class Reader {
  let partitionSet: PartitionSet
  let expected: PreparedKey
  let expiry: ExpiryFilter
  /// Limits scans, counts, and the reads of cuts and of many keys.
  public let pace = ScanBudget()
  let views: [PartitionView]
  private var touched: [Int] = []
  // Used by `withValues`; kept to reuse their memory.
  private var partitionsOfKeys: [Int] = []
  private var involved: [PartitionView] = []
  /// By partition; all false between calls.
  private var isInvolved: [Bool]

  init(_ partitionSet: PartitionSet) {
    self.partitionSet = partitionSet
    expiry = ExpiryFilter(partitionSet.clock)
    let expected = PreparedKey()
    self.expected = expected
    views = partitionSet.partitions.map { PartitionView($0, expected: expected) }
    isInvolved = [Bool](repeating: false, count: views.count)
  }

  /// Lends the value of `key`, or nil if it has none or has expired.
  ///
  /// - Parameter through: also see batches up to this sequence that are not published yet, because a
  ///   connection must see its own writes. The result must not be disclosed to any client before that batch
  ///   is durable.
  /// - Throws: `.wrongType` if the value is not bytes, `.corrupted` if what the disk holds does not check
  ///   out.
  /// - Complexity: O(1) expected in memory, O(log n) in the file.
  @inline(__always)
  public func withValue<R>(
    of key: RawSpan, through: SequenceNumber = 0,
    _ body: (RawSpan?) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let address = EntryAddress(.keys, key)
    let place = place(of: address)
    return try withVersion(of: address, in: place.partition, hash: place.hash, through: through) {
      header, value throws(StoreError) in
      guard let header else { return try body(nil) }
      guard header.type == 0 else { throw .wrongType }
      return try body(value)
    }
  }

  /// The sequence of the batch that wrote `key`; 0 if it has no value.
  public func sequence(
    of key: RawSpan, through: SequenceNumber = 0
  ) throws(StoreError) -> SequenceNumber {
    let address = EntryAddress(.keys, key)
    return try sequence(of: address, in: partitionSet.partition(of: address), at: through)
  }

  func sequence(
    of address: EntryAddress, in partition: Int, at sequence: SequenceNumber
  ) throws(StoreError) -> SequenceNumber {
    try withVersion(
      of: address, in: partition, hash: partitionSet.hash.hash(address), through: sequence
    ) {
      header, _ throws(StoreError) in header?.sequence ?? 0
    }
  }

  /// Lends the values of many keys, all as of one cut over their partitions. Throws as `withValue` does.
  ///
  /// - Parameters:
  ///   - keys: the position of each key in `bytes`.
  ///   - body: called once for each key, in order.
  public func withValues(
    of keys: [Range<Int>], in bytes: RawSpan, through: SequenceNumber = 0,
    _ body: (Int, RawSpan?) throws(StoreError) -> Void
  ) throws(StoreError) {
    try withVersions(of: keys, in: bytes, through: through) {
      place, header, value
        throws(StoreError) in
      guard let header else { return try body(place, nil) }
      guard header.type == 0 else { throw .wrongType }
      try body(place, value)
    }
  }

  @inline(__always)
  func withVersions(
    of keys: [Range<Int>], in bytes: RawSpan, through: SequenceNumber,
    damaged: (Int, StoreError) throws(StoreError) -> Void = { _, error throws(StoreError) in
      throw error
    },
    _ body: (Int, EntryHeader?, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    let partitions = involve(keys, in: bytes)
    let sequence = try partitionSet.cut(involved, through: through)
    let isHeld = expiry.hold()
    defer { expiry.release(isHeld) }
    for place in keys.indices {
      let address = EntryAddress(.keys, bytes.extracting(keys[place]))
      try pace.advance(by: 2)
      do throws(StoreError) {
        try views[partitions[place]].withVersion(
          of: address, hash: partitionSet.hash.hash(address), at: sequence
        ) { header, value throws(StoreError) in
          guard let header, !expiry.hides(header.expiry, of: address) else {
            return try body(place, nil, RawSpan())
          }
          try pace.advance(by: ScanBudget.steps(forByteCount: value.byteCount))
          try body(place, header, value)
        }
      } catch {
        guard error.isDamagedValue else { throw error }
        try damaged(place, error)
      }
    }
  }

  /// Sets `involved` to the views of the partitions that hold `keys`, and returns the partition of each key.
  private func involve(_ keys: [Range<Int>], in bytes: RawSpan) -> [Int] {
    partitionsOfKeys.removeAll(keepingCapacity: true)
    involved.removeAll(keepingCapacity: true)
    for range in keys {
      let index = partitionSet.partition(of: EntryAddress(.keys, bytes.extracting(range)))
      partitionsOfKeys.append(index)
      if isInvolved[index] { continue }
      isInvolved[index] = true
      touch(index)
      involved.append(views[index])
    }
    for index in partitionsOfKeys { isInvolved[index] = false }
    return partitionsOfKeys
  }

  /// Brings into memory what a lookup of `key` needs, so that a later evaluation, for which all writers wait,
  /// does not wait for the disk. Returns the byte count of the value that was read; 0 if none was.
  @discardableResult
  public func touch(_ key: RawSpan) throws(StoreError) -> Int { try touch(key, in: .keys) }

  /// The same for a key of `keyspace`.
  @discardableResult
  package func touch(_ key: RawSpan, in keyspace: Keyspace) throws(StoreError) -> Int {
    let address = EntryAddress(keyspace, key)
    let place = place(of: address)
    // What is in memory needs nothing. (If that is another key with the same hash bits, the evaluation reads
    // from the disk at worst.)
    if handle(to: place.partition).fetchNode(of: place.hash) { return 0 }
    var byteCount = 0
    try lendStoredVersion(of: address, in: place.partition, hash: place.hash, through: 0) {
      _, value in
      byteCount = value.byteCount
    }
    return byteCount
  }

  /// Lends the entries of `range` in key order, over all partitions and as of one cut.
  ///
  /// Expired entries are left out. Returns after `limit` entries, at the end of the range,
  /// or when `body` returns false. To continue later, scan again from after the last key. `body` must not
  /// read through this reader, whose views the scan is using.
  ///
  /// - Parameter skipsDamaged: whether values that do not check out are skipped and counted, rather than
  ///   thrown.
  /// - Complexity: O(log n) to begin, O(partitions) per entry.
  public func scan(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max, through: SequenceNumber = 0,
    skipsDamaged: Bool = false,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try scanEntries(
      range, reverse: reverse, limit: limit, through: through, skipsDamaged: skipsDamaged
    ) {
      key, _, value throws(StoreError) in try body(key, value)
    }
  }

  /// - Parameters:
  ///   - keyspace: the keyspace of the entries.
  ///   - partition: the only partition to scan, or nil for all.
  ///   - skipsReadOnly: whether partitions with damaged files are left out.
  func scan(
    _ range: KeyRange, in keyspace: Keyspace, of partition: Int? = nil, reverse: Bool, limit: Int,
    through: SequenceNumber, hiding expiry: ExpiryFilter?, skipsDamaged: Bool = false,
    skipsReadOnly: Bool = false,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    var scanned = partition.map { [views[$0]] } ?? views
    if skipsReadOnly { scanned.removeAll { $0.partition.environment.isDamaged } }
    if scanned.isEmpty { return }
    for view in scanned { touch(view.partition.index) }
    let sequence = try partitionSet.cut(scanned, through: through)
    try VisibleScan(
      views: scanned, keyspace: keyspace, sequence: sequence, expiry: expiry, pace: pace,
      skipsDamaged: skipsDamaged
    )
    .run(range, reverse: reverse, limit: limit, body)
  }

  /// The view of the partition of `address`, for a cut that is being made.
  func takeView(of address: EntryAddress) -> PartitionView {
    let index = partitionSet.partition(of: address)
    touch(index)
    return views[index]
  }

  /// Releases everything but LMDB reader slots and reusable memory. The next read starts over.
  public func end() {
    clearPreparedKey()
    for index in touched { views[index].end() }
    touched.removeAll(keepingCapacity: true)
  }

  /// Returns the LMDB readers to the pool. A later read takes new ones.
  public func close() {
    for view in views { view.close() }
    touched.removeAll()
  }

  /// The number of users' keys that have a value. Expired keys count until they are removed.
  /// Usually O(keys in memory); O(keys) while a range delete is being carried out.
  ///
  /// - Parameter through: as for `withValue`.
  public func countEntries(through: SequenceNumber = 0) throws(StoreError) -> Int {
    for index in views.indices { touch(index) }
    let sequence = try partitionSet.cut(views, through: through)
    return try EntryCount(views: views, sequence: sequence, pace: pace).count()
  }

  /// Never less than `countEntries`, but in O(partitions): keys that are both in memory and in a file count
  /// twice, and so do deletes.
  public func estimateEntries() throws(StoreError) -> Int {
    for index in views.indices { touch(index) }
    let sequence = try partitionSet.cut(views, through: 0)
    let sizes = try EntryCount(views: views, sequence: sequence).sizes()
    return sizes.stored + sizes.inMemory
  }

  func touch(_ index: Int) {
    if views[index].layers == nil { touched.append(index) }
  }

  // MARK: Prefetching

  @inline(__always)
  func place(of address: EntryAddress) -> KeyPlace {
    expected.isAt(address) ? expected.place : computePlace(of: address)
  }

  @inline(__always)
  func computePlace(of address: EntryAddress) -> KeyPlace {
    KeyPlace(partition: partitionSet.partition(of: address), hash: partitionSet.hash.hash(address))
  }

  /// The partition of an entry that is about to be written. Records that there may be owners if it is one
  /// that is owned.
  @inline(__always)
  func partition(ofWritten address: EntryAddress) -> Int {
    expected.isAt(address)
      ? expected.place.partition : partitionSet.partition(ofWritten: address)
  }

  /// The starting points of lookups in a partition, for prefetching. Makes the view current first if there is
  /// no handle yet.
  @inline(__always)
  func handle(to partition: Int) -> LookupHandle {
    if let handle = views[partition].handle { return handle }
    touch(partition)
    return views[partition].makeHandle()
  }

  /// The same, including the tree in the file.
  @inline(__always)
  func handleIntoFile(of partition: Int) -> LookupHandle {
    if let handle = views[partition].handle, handle.didLookForTree { return handle }
    touch(partition)
    return views[partition].makeHandleIntoFile()
  }

  /// While it stays the same, what was found in the partition's file is valid.
  @inline(__always)
  func revision(of partition: Int) -> UInt64 { views[partition].revision }

  /// Ends the expectation of a key. Call it before the bytes of that key are released.
  @inline(__always)
  package func clearPreparedKey() { expected.clear() }
}
