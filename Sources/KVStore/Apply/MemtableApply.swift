import Base
import TxnWAL

/// Applies one sealed memtable to LMDB, in key order and in bounded transactions.
///
/// Every transaction is fully synced. The last one also records the applied LSN. A crash before it leaves
/// newer versions in LMDB together with an older LSN; recovery then writes those versions again.
struct MemtableApply {
  let partition: Partition
  let layer: MemtableLayer
  /// The most entries that one transaction may write.
  var entryLimit = Int.max
  /// All range deletes, and the sequence up to which they are durable in the log. What such a range delete
  /// hides, whether it came with this memtable or a later one, need not be written: every later reader of
  /// LMDB also consults the range deletes, and after a crash the log still has them.
  private let tombstones: RangeIndex
  private let durableSequence: SequenceNumber
  /// The sequence of the memtable's last batch.
  private let last: SequenceNumber
  private let pace: ApplyPace
  private let owners: OwnerWatch

  /// - Parameter pageLimit: the most pages that one LMDB transaction may change. LMDB keeps them in anonymous
  ///   memory until it commits, and retains part of that memory per file for as long as the file is open.
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

  /// Whether applying the memtable adds no entries to the file. O(n).
  var onlyFrees: Bool {
    var cursor = layer.memtable.makeCursor(at: .max)
    cursor.seek(RawSpan())
    while cursor.isValid {
      let isPut = cursor.withEntry { storedKey, header, value in
        header.kind == .put && !isElided(EntryAddress(storedAs: storedKey), header, value)
      }
      if isPut { return false }
      cursor.next()
    }
    return true
  }

  /// O(n log m) for n keys into m, plus O(n log² t) with t range deletes. Throws `.diskFull` and others; may
  /// be called again after a throw.
  func run() throws(StoreError) {
    guard let position = layer.lastPosition else { preconditionFailure("the memtable is empty") }
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
      let otherGrowth = try writeChunk(&cursor, &keyCount, &hasOrphans, &transaction)
      state.otherEntryCount += otherGrowth
      if !cursor.isValid {
        if !DeliberateBug.dropsTombstones.isOn {
          for tombstone in layer.tombstones { try transaction.setTombstone(tombstone) }
        }
        state.lsn = position.end.rawValue
        state.sequence = position.sequence
      }
      if !cursor.isValid || otherGrowth != 0 { try transaction.setAppliedState(state) }
      CrashPoint.reached(.applyBeforeCommit)
      try transaction.commit()
      if hasOrphans { partition.presence.noteOrphan() }
      CrashPoint.reached(.applyAfterCommit)
    } while cursor.isValid
    CrashPoint.reached(.applyBeforeDrop)
    partition.dropApplied(layer, upTo: position.end)
    CrashPoint.reached(.applyAfterDrop)
  }

  /// Used only in builds with deliberate bugs.
  private func writeAppliedState(_ position: CommitPosition) throws(StoreError) {
    var transaction = try partition.environment.beginWrite()
    var state = try transaction.appliedState()
    state.lsn = position.end.rawValue
    state.sequence = position.sequence
    try transaction.setAppliedState(state)
    try transaction.commit()
  }

  /// Returns how many entries that are not users' were added. LMDB does not report whether a put added an entry, only
  /// how many entries there are. Those entries come after all of the users', so the total is read before and after
  /// their run.
  private func writeChunk(
    _ cursor: inout MemtableCursor, _ keyCount: inout Int, _ hasOrphans: inout Bool,
    _ transaction: inout WriteTransaction
  ) throws(StoreError) -> Int {
    var orphansAdded = 0
    var countBeforeOthers: Int?
    let pageLimit = pace.transactionPageLimit(behind: keyCount)
    let firstKey = keyCount
    while cursor.isValid, transaction.changedPageCount < pageLimit, keyCount - firstKey < entryLimit
    {
      keyCount += 1
      try cursor.withVersion { storedKey, version throws(StoreError) in
        let address = EntryAddress(storedAs: storedKey)
        if countBeforeOthers == nil, address.keyspace != .keys {
          countBeforeOthers = try transaction.entryCount()
        }
        let orphanCount = try write(storedKey, address, version, &transaction)
        orphansAdded += countBeforeOthers == nil ? orphanCount : 0
        if orphanCount > 0 || address.keyspace == .orphans { hasOrphans = true }
      }
      cursor.next()
    }
    guard let countBeforeOthers else { return orphansAdded }
    return orphansAdded + (try transaction.entryCount() - countBeforeOthers)
  }

  /// Whether a range delete hides the entry, so that it is not written. What the range delete hides in LMDB
  /// is left to the purge worker.
  private func isElided(
    _ address: EntryAddress, _ header: EntryHeader, _ value: RawSpan
  ) -> Bool {
    guard tombstones.newest(over: address, at: durableSequence) > header.sequence else {
      return false
    }
    return !owners.isKept(address, header, value)
      || tombstones.newest(over: address, at: last) > header.sequence
  }

  /// Returns the number of orphan notes that were added.
  private func write(
    _ storedKey: RawSpan, _ address: EntryAddress, _ version: KeyVersion,
    _ transaction: inout WriteTransaction
  ) throws(StoreError) -> Int {
    try version.withValue { value throws(StoreError) in
      let header = version.header
      let isElided = isElided(address, header, value)
      let orphanCount = try owners.visit(address, version, isElided: isElided, &transaction)
      if isElided { return orphanCount }
      switch header.kind {
      case .delete:
        try transaction.delete(.data, storedKey)
      case .put:
        let seed = partition.environment.checksumSeed
        try transaction.reserve(
          storedKey, byteCount: StoredValue.headerByteCount + value.byteCount
        ) { target in
          StoredValue.encode(
            StoredValue.Header(
              sequence: header.sequence, type: header.type, expiryMilliseconds: header.expiry),
            storedKey: storedKey, value: value, seed: seed, into: &target)
        }
      }
      return orphanCount
    }
  }
}
