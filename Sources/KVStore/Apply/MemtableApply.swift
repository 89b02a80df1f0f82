import Base
import TxnWAL

/// Carries one sealed memtable into LMDB, in the order of its keys and in bounded transactions.
///
/// Every transaction is fully synced. The last one also records how far the partition has come, so that
/// a crash in between leaves newer versions in LMDB and an older mark: recovery then writes them again.
struct MemtableApply {
  let partition: Partition
  let layer: MemtableLayer
  /// How many entries it may write.
  var entryLimit = Int.max
  /// All range deletes, and up to which sequence they are durable in the log. What one of them hides, of this
  /// memtable or of a later one, need not be written any more: nobody who reads LMDB from now on reads
  /// without the range deletes, and after a crash the log has them.
  private let tombstones: RangeIndex
  private let durableSequence: SequenceNumber
  /// That of the memtable's last batch.
  private let last: SequenceNumber
  private let pace: ApplyPace
  private let owners: OwnerWatch

  /// - Parameter pageLimit: the most pages that one LMDB transaction may change: LMDB keeps them in anonymous
  ///   memory until it commits, and a file's share of that memory for as long as the file is open.
  init(
    partition: Partition, layer: MemtableLayer, durable: LSN, pageLimit: Int, entryLimit: Int
  ) {
    self.partition = partition
    self.layer = layer
    self.entryLimit = entryLimit
    pace = ApplyPace(layer, budget: partition.budget, pageLimit: pageLimit)
    let layers = partition.layers
    tombstones = layers.tombstones
    durableSequence = tombstones.newestSequence(upTo: durable.rawValue)
    last = layer.lastPosition?.sequence ?? 0
    owners = OwnerWatch(partition, layers, upTo: last, durable: durableSequence)
  }

  /// Whether the file gets no new entries by it. O(n).
  var onlyFrees: Bool {
    var cursor = layer.memtable.makeCursor(at: .max)
    cursor.seek(RawSpan())
    while cursor.isValid {
      let isPut = cursor.withEntry { key, header, value in
        header.kind == .put && !isLeftOut(key, header, value)
      }
      if isPut { return false }
      cursor.next()
    }
    return true
  }

  /// O(n log m) for n keys into m, and O(n log² t) more where there are t range deletes. Throws `.diskFull` and others; may be tried again.
  func run() throws(StoreError) {
    guard let position = layer.lastPosition else { preconditionFailure("an empty memtable") }
    layer.memtable.order()
    var cursor = layer.memtable.makeCursor(at: .max)
    cursor.seek(RawSpan())
    if DeliberateBug.appliedLSNApart.isOn { try writeAppliedState(position) }
    var keyCount = 0
    repeat {
      CrashPoint.reached(.applyBeforeTransaction)
      var transaction = try partition.environment.beginWrite()
      var state = try transaction.appliedState()
      var hasOrphans = false
      let internalGrowth = try writeChunk(&cursor, &keyCount, &hasOrphans, &transaction)
      state.internalEntryCount? += internalGrowth
      if !cursor.isValid {
        if !DeliberateBug.dropsTombstones.isOn {
          for tombstone in layer.tombstones { try transaction.setTombstone(tombstone) }
        }
        state.lsn = position.end.rawValue
        state.sequence = position.sequence
      }
      if !cursor.isValid || internalGrowth != 0 { try transaction.setAppliedState(state) }
      CrashPoint.reached(.applyBeforeCommit)
      try transaction.commit()
      if hasOrphans { partition.presence.noteOrphan() }
      CrashPoint.reached(.applyAfterCommit)
    } while cursor.isValid
    CrashPoint.reached(.applyBeforeDrop)
    partition.dropApplied(layer, upTo: position.end)
    CrashPoint.reached(.applyAfterDrop)
  }

  /// Only in builds with deliberate bugs.
  private func writeAppliedState(_ position: CommitPosition) throws(StoreError) {
    var transaction = try partition.environment.beginWrite()
    var state = try transaction.appliedState()
    state.lsn = position.end.rawValue
    state.sequence = position.sequence
    try transaction.setAppliedState(state)
    try transaction.commit()
  }

  /// Returns by how many the internal entries became more. LMDB does not tell of a put whether it added an
  /// entry, but how many there are: internal keys adjoin, so their run is measured at its two ends.
  private func writeChunk(
    _ cursor: inout MemtableCursor, _ keyCount: inout Int, _ hasOrphans: inout Bool,
    _ transaction: inout WriteTransaction
  ) throws(StoreError) -> Int {
    var internalGrowth = 0
    var countBeforeRun: Int?
    let pageLimit = pace.transactionPageLimit(behind: keyCount)
    let firstKey = keyCount
    while cursor.isValid, transaction.changedPageCount < pageLimit, keyCount - firstKey < entryLimit
    {
      keyCount += 1
      try cursor.withVersion { key, version throws(StoreError) in
        let isInternal = InternalKey.contains(key)
        if isInternal != (countBeforeRun != nil) {
          let entryCount = try transaction.entryCount()
          internalGrowth += countBeforeRun.map { entryCount - $0 } ?? 0
          countBeforeRun = countBeforeRun == nil ? entryCount : nil
        }
        let orphanCount = try write(key, version, &transaction)
        internalGrowth += orphanCount
        if orphanCount > 0 || isInternal && InternalKey.isOrphan(key) { hasOrphans = true }
      }
      cursor.next()
    }
    if let countBeforeRun { internalGrowth += try transaction.entryCount() - countBeforeRun }
    return internalGrowth
  }

  /// Whether a range delete hides it, so that it is not written at all; what it hides in LMDB is for the
  /// purge worker.
  private func isLeftOut(_ key: RawSpan, _ header: EntryHeader, _ value: RawSpan) -> Bool {
    guard tombstones.newest(over: key, at: durableSequence) > header.sequence else { return false }
    return !owners.isKept(header, value) || tombstones.newest(over: key, at: last) > header.sequence
  }

  /// Returns how many notes of orphans were added.
  private func write(
    _ key: RawSpan, _ version: KeyVersion, _ transaction: inout WriteTransaction
  ) throws(StoreError) -> Int {
    try version.withValue { value throws(StoreError) in
      let header = version.header
      let isLeftOut = isLeftOut(key, header, value)
      let orphanCount = try owners.visit(key, version, isLeftOut: isLeftOut, &transaction)
      if isLeftOut { return orphanCount }
      switch header.kind {
      case .delete:
        try transaction.delete(.data, key)
      case .put:
        let seed = partition.environment.checksumSeed
        try transaction.reserve(
          key, byteCount: StoredValue.headerByteCount + value.byteCount
        ) { target in
          StoredValue.encode(
            StoredValue.Header(
              sequence: header.sequence, type: header.type, expiryMilliseconds: header.expiry),
            key: key, value: value, seed: seed, into: &target)
        }
      }
      return orphanCount
    }
  }
}
