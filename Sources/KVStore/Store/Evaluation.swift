import Base
import TxnWAL

/// A batch under construction, while all other writers wait. Its reads see everything ordered before it, and
/// its own writes. What it writes becomes one atomic batch when the closure that received it returns.
///
/// The closure must not wait for anything.
public struct Evaluation: ~Copyable {
  let context: EvaluationContext
  let reader: Reader
  var sequencer: Sequencer
  /// What the batch is charged so far: see `Limits.batchByteCount`.
  private(set) var chargedByteCount = 0
  private var preconditionCount = 0
  /// How many range tombstones the batch creates.
  private(set) var tombstoneCount = 0
  /// How many places were taken: see `takeOrdinal`.
  var placeCount: UInt32 = 0
  /// Whether a change of several writes has stopped half-way: see `atomically`.
  var hasFailed = false

  @inline(__always)
  init(_ context: EvaluationContext, _ reader: Reader, _ sequencer: consuming Sequencer) {
    self.context = context
    self.reader = reader
    self.sequencer = sequencer
  }

  /// Returns the sequencer.
  @inline(__always)
  consuming func end() -> Sequencer { sequencer }

  /// Counts the steps of this evaluation, and stops its walks at its deadline.
  public var pace: ScanBudget { reader.pace }

  var partitionSet: PartitionSet { context.partitionSet }
  var own: TransactionWrites { context.own }

  var deletesRanges: Bool { own.hasRanges }

  /// Lends the newest value of `key`, or nil if it has none or has expired. Throws `.wrongType` if the value
  /// is not bytes.
  public mutating func withValue<R>(
    of key: RawSpan, _ body: (RawSpan?) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let address = EntryAddress(.keys, key)
    switch own.find(address, in: sequencer) {
    case .untouched: return try reader.withValue(of: key, through: .max, body)
    case .deleted: return try body(nil)
    case .put(let write):
      if reader.expiry.hides(write.expiry, of: address) { return try body(nil) }
      guard write.type == 0 else { throw .wrongType }
      return try sequencer.withPayload(in: write.value) { value throws(StoreError) in
        try body(value)
      }
    }
  }

  /// Whether `key` has a value, of any type.
  public mutating func exists(_ key: RawSpan) throws(StoreError) -> Bool {
    try withEntry(of: key) { info, _ in info != nil }
  }

  /// The sequence of the batch that wrote `key`; 0 if it has no value. A key that this evaluation has put has
  /// the sequence that the batch will get.
  public mutating func sequence(of key: RawSpan) throws(StoreError) -> SequenceNumber {
    try withEntry(of: key) { info, _ in info?.sequence ?? 0 }
  }

  /// Sets `key` to `value`. Throws `.keyTooLong`, `.valueTooLarge`, `.batchTooLarge`. O(n).
  ///
  /// If the key holds an entry with a type, what belongs to that entry is removed with it. Throws `.wrongType`
  /// if the layer that wrote it is not attached, so that it is unknown what belongs to it.
  public mutating func put(_ key: RawSpan, _ value: RawSpan) throws(StoreError) {
    try Limits.check(key: key)
    try Limits.check(value: value)
    try atomically { evaluation throws(StoreError) in
      try evaluation.releaseRelated(to: key)
      try evaluation.putEntry(key, value)
    }
  }

  /// Puts a single entry. For layers that handle what belongs to the replaced entry themselves.
  ///
  /// - Parameter place: the place of this key, one of `keys`, if the caller knows it.
  @inline(__always)
  package mutating func putEntry(
    _ key: RawSpan, _ value: RawSpan, in keyspace: Keyspace = .keys, at place: KeyPlace? = nil
  ) throws(StoreError) {
    let address = EntryAddress(keyspace, key)
    try Limits.check(address)
    try Limits.check(value: value)
    try begin(address, at: place, contentByteCount: key.byteCount + value.byteCount)
    sequencer.appendPut(address, value)
  }

  /// Removes `key`, if it is there. Throws `.keyTooLong`, `.batchTooLarge`. What belongs to
  /// it is handled as by `put`.
  public mutating func delete(_ key: RawSpan) throws(StoreError) {
    try Limits.check(key: key)
    try atomically { evaluation throws(StoreError) in
      try evaluation.releaseRelated(to: key)
      try evaluation.deleteEntry(key)
    }
  }

  /// Removes a single entry, as `putEntry` puts one.
  package mutating func deleteEntry(
    _ key: RawSpan, in keyspace: Keyspace = .keys
  ) throws(StoreError) {
    let address = EntryAddress(keyspace, key)
    try Limits.check(address)
    try begin(address, contentByteCount: key.byteCount)
    sequencer.appendDelete(address)
  }

  /// Removes every key in `range` by a small tombstone in each partition, whatever it covers; four in each if
  /// the range is `.everything`. Throws `.keyTooLong`, `.batchTooLarge`, `.tooManyRangeDeletes`,
  /// `.rangeDeletesPending`.
  public mutating func deleteRange(_ range: KeyRange) throws(StoreError) {
    try deleteRange(range, in: range.deletedKeyspaces, of: nil)
  }

  /// Removes every key of `keyspace`, which is not `keys`, in `range`, by a small tombstone in each partition.
  package mutating func deleteRange(
    _ range: KeyRange, in keyspace: Keyspace
  ) throws(StoreError) {
    precondition(keyspace != .keys, "what users' entries own is deleted with them")
    try deleteRange(range, in: [keyspace], of: nil)
  }

  /// Removes the keys of `keyspace` in `range`, all of which are in the partition of `key`, by one small
  /// tombstone there.
  package mutating func deleteRange(
    _ range: KeyRange, in keyspace: Keyspace, ofPartitionOf key: RawSpan
  ) throws(StoreError) {
    let partition = partitionSet.partition(of: EntryAddress(keyspace, key))
    try deleteRange(range, in: [keyspace], of: partition)
  }

  /// In `partition`, or in all if it is nil.
  private mutating func deleteRange(
    _ range: KeyRange, in keyspaces: [Keyspace], of partition: Int?
  ) throws(StoreError) {
    for keyspace in keyspaces { try Limits.check(range: range, in: keyspace) }
    if range.isEmpty { return }
    // Checked before anything is changed, as far as possible.
    let partitions = partition.map { $0..<$0 + 1 } ?? partitionSet.partitions.indices
    let addedCount = keyspaces.count * partitions.count
    try check(tombstoneCount: tombstoneCount + addedCount, of: partitions)
    try charge((range.byteCount + Limits.mutationByteCount) * addedCount)
    tombstoneCount += addedCount
    let leavesOwned = keyspaces == [.keys]
    do throws(StoreError) {
      for keyspace in keyspaces {
        try delete(DeletedRange(range, in: keyspace), of: partition, leavesOwned: leavesOwned)
      }
    } catch {
      // The batch deletes the range, but not all that it had put there.
      fail(error)
      throw error
    }
  }

  /// Limits what the range deletes of one batch may cost all other callers, and how many may wait to be
  /// carried out.
  private func check(
    tombstoneCount: Int, of partitions: Range<Int>
  ) throws(StoreError) {
    try Limits.check(tombstoneCount: tombstoneCount, partitionCount: partitionSet.partitions.count)
    guard !partitionSet.partitions[partitions].contains(where: \.hasTombstoneBacklog) else {
      throw .rangeDeletesPending
    }
  }

  /// In `partition`, or in all if it is nil.
  private mutating func delete(
    _ deleted: DeletedRange, of partition: Int?, leavesOwned: Bool
  ) throws(StoreError) {
    let written = own.delete(deleted, of: partition, leavesOwned: leavesOwned, in: sequencer)
    for (storedKey, put) in written {
      let key = EntryAddress(storedAs: storedKey.rawSpan).key
      // In this order: an error must not leave the orphan note of an owner that is still there.
      try deleteEntry(key, in: deleted.keyspace)
      if put.type != 0, leavesOwned { try putOrphan(of: key, put) }
    }
  }

  /// Writes the range deletes, those of each partition together. Called after everything else is written.
  mutating func appendRangeDeletes() {
    own.forEachRange { partition, ranges in
      sequencer.beginSection(for: partition)
      for deleted in ranges {
        sequencer.appendDeleteRange(deleted.range, in: deleted.keyspace)
      }
    }
  }

  /// Makes the batch depend on `condition`, which is checked in prepare, against what is ordered before the
  /// batch.
  public mutating func require(_ condition: Precondition, of key: RawSpan) throws(StoreError) {
    try require(condition, of: key, index: preconditionCount)
    preconditionCount += 1
  }

  mutating func require(
    _ condition: Precondition, of key: RawSpan, index: Int
  ) throws(StoreError) {
    let address = EntryAddress(.keys, key)
    try Limits.check(key: key)
    try begin(address, contentByteCount: key.byteCount)
    context.preconditions.ask(reader)
    sequencer.appendRequire(condition, of: address, index: index)
  }

  /// Adds all of `batch`, whose keys were checked when they were added to it.
  mutating func add(_ batch: Batch) throws(StoreError) {
    let bytes = batch.mutations.rawSpan
    var offset = 0
    while let mutation = Mutation.parse(bytes, at: offset) {
      offset = mutation.end
      let key = bytes.extracting(mutation.key)
      let isRaw = batch.writesSingleEntries
      switch mutation.kind {
      case .put:
        if !isRaw { try releaseRelated(to: key) }
        try putEntry(key, bytes.extracting(mutation.value ?? 0..<0), in: mutation.keyspace)
      case .putEntry:
        if !isRaw { try releaseRelated(to: key) }
        try putEntry(
          key, bytes.extracting(mutation.value ?? 0..<0), type: mutation.type,
          expiry: mutation.expiry)
      case .delete:
        if !isRaw { try releaseRelated(to: key) }
        try deleteEntry(key, in: mutation.keyspace)
      case .deleteRange: try deleteRange(DeletedRange(mutation, in: bytes).range)
      case .requireAbsent, .requirePresent, .requireSequence:
        guard let condition = Precondition(mutation) else { continue }
        try require(condition, of: key, index: mutation.index)
      }
    }
  }

  /// Charges a mutation of the entry at `address`, and begins the section to which the caller appends it.
  ///
  /// - Parameter indexCount: how many entries of the expiry index are written along with it.
  @inline(__always)
  mutating func begin(
    _ address: EntryAddress, at place: KeyPlace? = nil, contentByteCount: Int, indexCount: Int = 0
  ) throws(StoreError) {
    if own.mayHideOwners { try putOrphanOfHidden(address) }
    let entryByteCount =
      address.key.byteCount &+ ExpiryIndex.prefixByteCount &+ Limits.mutationByteCount
    try charge(contentByteCount &+ Limits.mutationByteCount &+ indexCount &* entryByteCount)
    if let place {
      assert(place.partition == partitionSet.partition(of: address), "the place of another key")
      sequencer.beginSection(for: place.partition)
    } else {
      sequencer.beginSection(for: reader.partition(ofWritten: address))
    }
  }

  private mutating func charge(_ byteCount: Int) throws(StoreError) {
    try Limits.check(batchByteCount: chargedByteCount + byteCount)
    chargedByteCount += byteCount
  }
}
