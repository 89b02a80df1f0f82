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

  var keyspace: Keyspace { context.keyspace }
  var own: TransactionWrites { context.own }

  var deletesRanges: Bool { own.hasRanges }

  /// Lends the newest value of `key`, or nil if it has none or has expired. Throws `.wrongType` if the value
  /// is not bytes.
  public mutating func withValue<R>(
    of key: RawSpan, _ body: (RawSpan?) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    if InternalKey.contains(key) { return try body(nil) }
    switch own.find(key, in: sequencer) {
    case .untouched: return try reader.withValue(of: key, through: .max, body)
    case .deleted: return try body(nil)
    case .put(let write):
      if reader.expiry.hides(write.expiry, of: key) { return try body(nil) }
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

  /// Sets `key` to `value`. Throws `.keyTooLong`, `.reservedKey`, `.valueTooLarge`, `.batchTooLarge`. O(n).
  ///
  /// If the key holds an entry with a type, what belongs to that entry is removed with it, such as the fields
  /// of a map. Throws `.wrongType` if the layer that wrote it is not attached, so that it is unknown what
  /// belongs to it.
  public mutating func put(_ key: RawSpan, _ value: RawSpan) throws(StoreError) {
    try Limits.check(key: key)
    try Limits.check(value: value)
    try atomically { evaluation throws(StoreError) in
      try evaluation.releaseRelated(to: key)
      try evaluation.put(stored: key, value)
    }
  }

  /// Puts an entry as it is. For layers that handle what belongs to the replaced entry themselves; the key
  /// may be internal.
  @inline(__always)
  package mutating func put(stored key: RawSpan, _ value: RawSpan) throws(StoreError) {
    try Limits.check(stored: key)
    try Limits.check(value: value)
    try begin(key, contentByteCount: key.byteCount + value.byteCount)
    sequencer.appendPut(key, value)
  }

  /// Removes `key`, if it is there. Throws `.keyTooLong`, `.reservedKey`, `.batchTooLarge`. What belongs to
  /// it is handled as by `put`.
  public mutating func delete(_ key: RawSpan) throws(StoreError) {
    try Limits.check(key: key)
    try atomically { evaluation throws(StoreError) in
      try evaluation.releaseRelated(to: key)
      try evaluation.delete(stored: key)
    }
  }

  /// Removes a single entry, as `put(stored:)` puts one.
  package mutating func delete(stored key: RawSpan) throws(StoreError) {
    try Limits.check(stored: key)
    try begin(key, contentByteCount: key.byteCount)
    sequencer.appendDelete(key)
  }

  /// Removes every key in `range` by a small tombstone in each partition, whatever it covers. Internal keys
  /// stay, unless the range is `.everything`. Throws `.keyTooLong`, `.batchTooLarge`, `.tooManyRangeDeletes`,
  /// `.rangeDeletesPending`.
  public mutating func deleteRange(_ range: KeyRange) throws(StoreError) {
    try deleteParts(range.deletedParts, of: range, in: nil)
  }

  /// The same, and a range among internal keys removes them.
  package mutating func deleteRange(stored range: KeyRange) throws(StoreError) {
    try deleteParts(range == .everything ? [range] : range.storedParts, of: range, in: nil)
  }

  /// Removes the keys in `range`, which may lie among internal keys, only in the partition of `key`, by one
  /// small tombstone there: all fields of a map, for example.
  package mutating func deleteRange(
    stored range: KeyRange, inPartitionOf key: RawSpan
  ) throws(StoreError) {
    try deleteParts(range.storedParts, of: range, in: keyspace.partition(of: key))
  }

  /// In `partition`, or in all if it is nil.
  private mutating func deleteParts(
    _ parts: [KeyRange], of range: KeyRange, in partition: Int?
  ) throws(StoreError) {
    try Limits.check(range: range)
    let parts = parts.filter { !$0.isEmpty }
    if parts.isEmpty { return }
    // Checked before anything is changed, as far as possible.
    let partitions = partition.map { $0..<$0 + 1 } ?? keyspace.partitions.indices
    let newCount = tombstoneCount + parts.count * partitions.count
    try check(tombstoneCount: newCount, of: partitions)
    let byteCount = parts.reduce(0) { $0 + $1.byteCount + Limits.mutationByteCount }
    try charge(byteCount * partitions.count)
    tombstoneCount = newCount
    do throws(StoreError) {
      for part in parts { try deletePart(part, of: partition) }
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
    try Limits.check(tombstoneCount: tombstoneCount, partitionCount: keyspace.partitions.count)
    guard !keyspace.partitions[partitions].contains(where: \.hasTombstoneBacklog) else {
      throw .rangeDeletesPending
    }
  }

  /// In `partition`, or in all if it is nil.
  private mutating func deletePart(_ range: KeyRange, of partition: Int?) throws(StoreError) {
    for (key, written) in own.deleteRange(range, of: partition, in: sequencer) {
      // In this order: an error must not leave the orphan note of an owner that is still there.
      try delete(stored: key.rawSpan)
      if written.type != 0, range != .everything { try putOrphan(of: key.rawSpan, written) }
    }
  }

  /// Writes the range deletes, those of each partition together. Called after everything else is written.
  mutating func appendRangeDeletes() {
    own.forEachRange { partition, ranges in
      sequencer.beginSection(for: partition)
      for range in ranges { sequencer.appendDeleteRange(range) }
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
    try Limits.check(key: key)
    try begin(key, contentByteCount: key.byteCount)
    context.preconditions.ask(reader)
    sequencer.appendRequire(condition, of: key, index: index)
  }

  /// Adds all of `batch`, whose keys were checked when they were added to it.
  mutating func add(_ batch: Batch) throws(StoreError) {
    let bytes = batch.mutations.rawSpan
    var offset = 0
    while let mutation = Mutation.parse(bytes, at: offset) {
      offset = mutation.end
      let key = bytes.extracting(mutation.key)
      switch mutation.kind {
      case .put:
        if !batch.writesStoredEntries { try releaseRelated(to: key) }
        try put(stored: key, bytes.extracting(mutation.value ?? 0..<0))
      case .putEntry:
        if !batch.writesStoredEntries { try releaseRelated(to: key) }
        try put(
          stored: key, bytes.extracting(mutation.value ?? 0..<0), type: mutation.type,
          expiry: mutation.expiry)
      case .delete:
        if !batch.writesStoredEntries { try releaseRelated(to: key) }
        try delete(stored: key)
      case .deleteRange: try deleteRange(KeyRange(mutation, in: bytes))
      case .requireAbsent, .requirePresent, .requireSequence:
        guard let condition = Precondition(mutation) else { continue }
        try require(condition, of: key, index: mutation.index)
      }
    }
  }

  /// - Parameter indexCount: how many entries of the expiry index are written along with it.
  @inline(__always)
  mutating func begin(
    _ key: RawSpan, contentByteCount: Int, indexCount: Int = 0
  ) throws(StoreError) {
    if own.mayHideOwners { try putOrphanOfHidden(key) }
    let entryByteCount = key.byteCount &+ ExpiryIndex.prefixByteCount &+ Limits.mutationByteCount
    try charge(contentByteCount &+ Limits.mutationByteCount &+ indexCount &* entryByteCount)
    sequencer.beginSection(for: reader.partition(ofWritten: key))
  }

  private mutating func charge(_ byteCount: Int) throws(StoreError) {
    try Limits.check(batchByteCount: chargedByteCount + byteCount)
    chargedByteCount += byteCount
  }
}
