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
  private let pace: ApplyPace

  /// - Parameter pageLimit: the most pages that one LMDB transaction may change: LMDB keeps them in anonymous
  ///   memory until it commits, and a file's share of that memory for as long as the file is open.
  init(
    partition: Partition, layer: MemtableLayer, durable: LSN, pageLimit: Int, entryLimit: Int
  ) {
    self.partition = partition
    self.layer = layer
    self.entryLimit = entryLimit
    pace = ApplyPace(layer, budget: partition.budget, pageLimit: pageLimit)
    tombstones = partition.layers.tombstones
    durableSequence = tombstones.newestSequence(upTo: durable.rawValue)
  }

  /// Whether the file gets no new entries by it. O(n).
  var onlyFrees: Bool {
    var cursor = layer.memtable.makeCursor(at: .max)
    cursor.seek(RawSpan())
    while cursor.isValid {
      let isPut = cursor.withEntry { key, header, _ in header.kind == .put && !isHidden(key, header)
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
      let internalGrowth = try writeChunk(&cursor, &keyCount, &transaction)
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
    _ cursor: inout MemtableCursor, _ keyCount: inout Int, _ transaction: inout WriteTransaction
  ) throws(StoreError) -> Int {
    var internalGrowth = 0
    var countBeforeRun: Int?
    let pageLimit = pace.transactionPageLimit(behind: keyCount)
    let firstKey = keyCount
    while cursor.isValid, transaction.changedPageCount < pageLimit, keyCount - firstKey < entryLimit
    {
      keyCount += 1
      try cursor.withEntry { key, header, value throws(StoreError) in
        if InternalKey.contains(key) != (countBeforeRun != nil) {
          let entryCount = try transaction.entryCount()
          internalGrowth += countBeforeRun.map { entryCount - $0 } ?? 0
          countBeforeRun = countBeforeRun == nil ? entryCount : nil
        }
        try write(key, header, value, &transaction)
      }
      cursor.next()
    }
    if let countBeforeRun { internalGrowth += try transaction.entryCount() - countBeforeRun }
    return internalGrowth
  }

  private func isHidden(_ key: RawSpan, _ header: EntryHeader) -> Bool {
    tombstones.newest(over: key, at: durableSequence) > header.sequence
  }

  private func write(
    _ key: RawSpan, _ header: EntryHeader, _ value: RawSpan,
    _ transaction: inout WriteTransaction
  ) throws(StoreError) {
    // What a range delete of the same memtable hides is not written at all; what it hides in LMDB is
    // for the purge worker.
    if isHidden(key, header) { return }
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
  }
}
