/// The reads of one thread, batched: it keeps hold of memtables and LMDB views from one read to the
/// next, which makes a read cheap.
///
/// Call `end` before the thread waits for anything: what is held keeps LMDB from reusing pages, and
/// memory from being freed. Not for use by two threads at a time.
public final class Reader {
  let keyspace: Keyspace
  let expected: ExpectedKey
  let expiry: ExpiryFilter
  /// Bounds scans, counts, the reads of cuts and those of many keys.
  public let pace = WalkPace()
  let views: [PartitionView]
  private var touched: [Int] = []
  // Of `withValues`, kept for their memory.
  private var partitionsOfKeys: [Int] = []
  private var involved: [PartitionView] = []
  /// By partition; false between calls.
  private var isInvolved: [Bool]

  init(_ keyspace: Keyspace) {
    self.keyspace = keyspace
    expiry = ExpiryFilter(keyspace.clock)
    let expected = ExpectedKey()
    self.expected = expected
    views = keyspace.partitions.map { PartitionView($0, expected: expected) }
    isInvolved = [Bool](repeating: false, count: views.count)
  }

  /// Lends the value of `key`, or nil where there is none or it has expired.
  ///
  /// - Parameter through: also see batches up to this sequence that are not published yet, as a
  ///   connection must see its own writes. What is read then must not be told to anyone before that
  ///   batch is durable.
  /// - Throws: `.wrongType` where it is not bytes, `.corrupted` where what the disk holds does not check out.
  /// - Complexity: O(1) expected in memory, O(log n) below.
  @inline(__always)
  public func withValue<R>(
    of key: RawSpan, through: SequenceNumber = 0,
    _ body: (RawSpan?) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    if InternalKey.contains(key) { return try body(nil) }
    let place = place(of: key)
    return try withVersion(of: key, in: place.partition, hash: place.hash, through: through) {
      header, value throws(StoreError) in
      guard let header else { return try body(nil) }
      guard header.type == 0 else { throw .wrongType }
      return try body(value)
    }
  }

  /// The sequence of the batch that wrote `key`; 0 where it has no value.
  public func sequence(
    of key: RawSpan, through: SequenceNumber = 0
  ) throws(StoreError) -> SequenceNumber {
    if InternalKey.contains(key) { return 0 }
    return try sequence(of: key, in: keyspace.partition(of: key), at: through)
  }

  func sequence(
    of key: RawSpan, in partition: Int, at sequence: SequenceNumber
  ) throws(StoreError) -> SequenceNumber {
    try withVersion(of: key, in: partition, hash: keyspace.hash.hash(key), through: sequence) {
      header, _ throws(StoreError) in header?.sequence ?? 0
    }
  }

  /// Lends the values of many keys, all as of one cut over their partitions. Throws as `withValue` does.
  ///
  /// - Parameters:
  ///   - keys: where each key stands in `bytes`.
  ///   - body: is called once for each key, in their order.
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
    let sequence = try keyspace.cut(involved, through: through)
    let isHeld = expiry.hold()
    defer { expiry.release(isHeld) }
    for place in keys.indices {
      let key = bytes.extracting(keys[place])
      try pace.advance(by: 2)
      do throws(StoreError) {
        try views[partitions[place]].withVersion(
          of: key, hash: keyspace.hash.hash(key), at: sequence
        ) { header, value throws(StoreError) in
          guard let header, !InternalKey.contains(key), !expiry.hides(header.expiry, of: key)
          else {
            return try body(place, nil, RawSpan())
          }
          try pace.advance(by: WalkPace.steps(forByteCount: value.byteCount))
          try body(place, header, value)
        }
      } catch {
        guard error.isDamagedValue else { throw error }
        try damaged(place, error)
      }
    }
  }

  /// Sets `involved` to the views of the partitions that hold `keys`, and returns which holds which.
  private func involve(_ keys: [Range<Int>], in bytes: RawSpan) -> [Int] {
    partitionsOfKeys.removeAll(keepingCapacity: true)
    involved.removeAll(keepingCapacity: true)
    for range in keys {
      let index = keyspace.partition(of: bytes.extracting(range))
      partitionsOfKeys.append(index)
      if isInvolved[index] { continue }
      isInvolved[index] = true
      touch(index)
      involved.append(views[index])
    }
    for index in partitionsOfKeys { isInvolved[index] = false }
    return partitionsOfKeys
  }

  /// Brings into memory what looking `key` up needs, so that a later evaluation, which all writers wait
  /// for, does not wait for the disk. Returns how many bytes the value has that was read; 0 where none was.
  @discardableResult
  public func touch(_ key: RawSpan) throws(StoreError) -> Int {
    let place = place(of: key)
    // What is in memory needs nothing. (Another key that looks like this one costs a read at worst.)
    if handle(to: place.partition).fetchNode(of: place.hash) { return 0 }
    var byteCount = 0
    try lendStoredVersion(of: key, in: place.partition, hash: place.hash, through: 0) { _, value in
      byteCount = value.byteCount
    }
    return byteCount
  }

  /// Lends the entries of `range` in the order of keys, over all partitions and as of one cut.
  ///
  /// Internal keys are left out, and so is what has expired. Returns after `limit` entries, at the end of the range, or when `body` returns false. To go on
  /// later, scan again from behind the last key. `body` must not read through this same reader, whose
  /// views the scan is walking over.
  ///
  /// - Parameter skipsDamaged: whether values that do not check out are left out, and counted, in place of an error.
  /// - Complexity: O(log n) to begin, O(partitions) an entry.
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
  ///   - partition: the only one to look at, or nil for all.
  ///   - showsInternal: whether a range that lies among internal keys shows them.
  ///   - skipsReadOnly: whether partitions whose files are damaged are left out.
  func scan(
    _ range: KeyRange, in partition: Int? = nil, reverse: Bool, limit: Int,
    through: SequenceNumber, hiding expiry: ExpiryFilter?, skipsDamaged: Bool = false,
    showsInternal: Bool = false, skipsReadOnly: Bool = false,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    var scanned = partition.map { [views[$0]] } ?? views
    if skipsReadOnly { scanned.removeAll { $0.partition.environment.isDamaged } }
    if scanned.isEmpty { return }
    for view in scanned { touch(view.partition.index) }
    let sequence = try keyspace.cut(scanned, through: through)
    try VisibleScan(
      views: scanned, sequence: sequence, expiry: expiry, pace: pace,
      showsInternal: showsInternal, skipsDamaged: skipsDamaged
    )
    .run(range, reverse: reverse, limit: limit, body)
  }

  /// For a cut that is being made.
  func takeView(of key: RawSpan) -> PartitionView {
    let index = keyspace.partition(of: key)
    touch(index)
    return views[index]
  }

  /// Lets go of everything but slots and memory to use again. The next read begins again.
  public func end() {
    expectNothing()
    for index in touched { views[index].end() }
    touched.removeAll(keepingCapacity: true)
  }

  /// Gives the LMDB readers back for others. A later read takes new ones.
  public func close() {
    for view in views { view.close() }
    touched.removeAll()
  }

  /// The number of keys that have a value, internal ones left out; what has expired counts until it is
  /// removed. O(keys in memory) as a rule, O(keys) while a range delete is being carried out.
  ///
  /// - Parameter through: as for `withValue`.
  public func countEntries(through: SequenceNumber = 0) throws(StoreError) -> Int {
    for index in views.indices { touch(index) }
    let sequence = try keyspace.cut(views, through: through)
    return try EntryCount(views: views, sequence: sequence, pace: pace).count()
  }

  /// No less than `countEntries` would say but for expired entries, and O(partitions): keys that are in memory and in
  /// a file count twice, and so do deletes.
  public func estimateEntries() throws(StoreError) -> Int {
    for index in views.indices { touch(index) }
    let sequence = try keyspace.cut(views, through: 0)
    let sizes = try EntryCount(views: views, sequence: sequence).sizes()
    return sizes.stored + sizes.inMemory
  }

  func touch(_ index: Int) {
    if views[index].layers == nil { touched.append(index) }
  }

  // MARK: Look-ups that will be made soon

  @inline(__always)
  func place(of key: RawSpan) -> KeyPlace {
    expected.isKey(key) ? expected.place : computePlace(of: key)
  }

  @inline(__always)
  func computePlace(of key: RawSpan) -> KeyPlace {
    KeyPlace(partition: keyspace.partition(of: key), hash: keyspace.hash.hash(key))
  }

  /// The partition of a key that is written: maps are taken note of.
  @inline(__always)
  func partition(ofWritten key: RawSpan) -> Int {
    expected.isKey(key) ? expected.place.partition : keyspace.partition(ofWritten: key)
  }

  /// What hints at look-ups in a partition begin with. The view is made current first if this is the first read.
  @inline(__always)
  func handle(to partition: Int) -> LookupHandle {
    if let handle = views[partition].handle { return handle }
    touch(partition)
    return views[partition].makeHandle()
  }

  /// The same with the tree in the file.
  @inline(__always)
  func handleIntoFile(of partition: Int) -> LookupHandle {
    if let handle = views[partition].handle, handle.hasLookedForTree { return handle }
    touch(partition)
    return views[partition].makeHandleIntoFile()
  }

  /// As long as it stays, what was found in the partition's file counts.
  @inline(__always)
  func revision(of partition: Int) -> UInt64 { views[partition].revision }

  /// From now on no key is expected. To be called before the bytes of the one that was are let go of.
  @inline(__always)
  package func expectNothing() { expected.clear() }
}
