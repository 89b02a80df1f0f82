import Base
import Synchronization
import TxnWAL

/// One part of a store: memtables on top of an LMDB file.
///
/// It has one writer at a time: the sequencer thread, or during recovery its own worker. One apply worker or
/// the purge worker at a time writes its LMDB file. Any number of threads may read.
///
/// Sound as `@unchecked Sendable`: `writerLayer` and `countedByteCount` belong to the writer; `current` is
/// accessed only under `layersMutex`; `mayHoldOwned` and `preconditions` change only while the store is being
/// opened or closed; everything else is immutable or atomic.
final class Partition: @unchecked Sendable {
  let index: Int
  let environment: LMDBEnvironment
  let hash: KeyHash
  let appliedAtOpen: AppliedState
  let budget: MemoryBudget

  /// Protects `current`. Not a `Lock`: its call of a closure would be most of the cost of taking the layers.
  private let layersMutex = PlatformMutex()
  private var current: Layers
  private let generationNumber = Atomic<UInt64>(1)
  /// Idle LMDB readers; nil once the partition is closed.
  private let pool = Lock<[ReadTransaction]?>([])
  /// The active layer, which its writer accesses without the lock.
  private var writerLayer: MemtableLayer
  /// How many bytes of the active layer the budget counts; used during recovery.
  private var countedByteCount = 0
  /// See `applied`.
  private let appliedLSN: Atomic<UInt64>
  /// Whether the active layer has anything in it, for threads other than its writer.
  private let isActiveInUse = Atomic<Bool>(false)

  /// Whether an entry that is owned may be stored here. Set by the one writer during recovery, and valid
  /// after it.
  private(set) var mayHoldOwned: Bool

  let watches = KeyWatches()
  let presence: OwnerPresence

  /// Looks up keys for preconditions. Set while the store is open.
  var preconditions: PreconditionChecker?
  /// Called when a memtable has been sealed.
  private let onSeal: @Sendable (Partition) -> Void

  init(
    index: Int, environment: LMDBEnvironment, hash: KeyHash, budget: MemoryBudget,
    presence: OwnerPresence = OwnerPresence(),
    onSeal: @escaping @Sendable (Partition) -> Void
  ) throws(StoreError) {
    self.index = index
    self.environment = environment
    self.hash = hash
    self.budget = budget
    self.presence = presence
    self.onSeal = onSeal
    let reader = try environment.makeReader()
    appliedAtOpen = try reader.appliedState()
    let tombstones = try reader.tombstones()
    // If that cannot be read, owners cannot be ruled out.
    mayHoldOwned = (try? reader.hasOwned()) ?? true
    reader.reset()
    pool.withLock { $0?.append(reader) }
    appliedLSN = Atomic(appliedAtOpen.lsn)
    writerLayer = MemtableLayer(hash: hash, spare: budget.spare)
    var index = RangeIndex()
    index.insert(tombstones)
    current = Layers(active: writerLayer, sealed: [], tombstones: index)
  }

  /// Frees the LMDB readers, and closes the file as soon as the readers in use are returned. No thread may
  /// write any more.
  func close() {
    pool.withLock { $0 = nil }
    environment.close()
  }

  /// The free space on the disk that holds the file; 0 if it is unknown.
  var availableByteCount: UInt64 {
    (try? Files.space(at: environment.directory).available) ?? 0
  }

  // MARK: Reading

  /// Incremented whenever the layers change.
  var generation: UInt64 { generationNumber.load(ordering: .acquiring) }

  var layers: Layers {
    layersMutex.lock()
    defer { layersMutex.unlock() }
    return current
  }

  func takeReadTransaction() throws(StoreError) -> ReadTransaction {
    if let pooled = pool.withLock({ $0?.popLast() }) {
      try pooled.renew()
      return pooled
    }
    return try environment.makeReader()
  }

  func giveBack(_ transaction: ReadTransaction) {
    transaction.reset()
    pool.withLock { $0?.append(transaction) }
  }

  // MARK: Writer

  /// The byte count of the active memtable.
  var activeByteCount: Int { writerLayer.memtable.byteCount }

  var isActiveEmpty: Bool { writerLayer.isEmpty }

  /// The position of the newest batch in the active layer.
  var lastPosition: CommitPosition? { writerLayer.lastPosition }

  /// The position of the oldest batch that is not in LMDB yet, if there is one. For the writer.
  var oldestUnapplied: LSN? {
    let layers = layers
    let oldest = layers.sealed.last ?? layers.active
    return oldest.firstPosition?.end
  }

  /// Puts `mutations` into the active memtable. Returns false if the bytes do not parse as mutations.
  func insert(_ mutations: RawSpan, at position: CommitPosition) -> Bool {
    let memtable = writerLayer.memtable
    var offset = 0
    var ranges: [DeletedRange] = []
    while offset < mutations.byteCount {
      if let put = PlainPut(mutations, at: offset) {
        let address = EntryAddress(put.keyspace, mutations.extracting(put.keyStart..<put.keyEnd))
        memtable.insert(
          address, header: EntryHeader(sequence: position.sequence, kind: .put),
          value: mutations.extracting(put.keyEnd..<put.end), hash: hash.hash(address))
        offset = put.end
        continue
      }
      guard let mutation = Mutation.parse(mutations, at: offset) else { return false }
      if mutation.kind == .deleteRange {
        ranges.append(DeletedRange(mutation, in: mutations))
      } else {
        insert(mutation, in: mutations, at: position, into: memtable)
      }
      offset = mutation.end
    }
    if !ranges.isEmpty { insert(ranges, at: position) }
    if writerLayer.isEmpty { isActiveInUse.store(true, ordering: .releasing) }
    writerLayer.note(position)
    watches.note(mutations, hash)
    return true
  }

  /// Records whether `mutations` write an entry that is owned. During recovery only; later,
  /// `PartitionSet.partition(ofWritten:)` does so.
  func noteOwned(in mutations: RawSpan) {
    var offset = 0
    while !mayHoldOwned, offset < mutations.byteCount,
      let mutation = Mutation.parse(mutations, at: offset)
    {
      offset = mutation.end
      mayHoldOwned = mutation.keyspace == .owned && mutation.kind == .put
    }
  }

  private func insert(
    _ mutation: Mutation, in bytes: RawSpan, at position: CommitPosition, into memtable: Memtable
  ) {
    switch mutation.kind {
    case .put, .putEntry, .delete:
      let address = mutation.address(in: bytes)
      let kind: EntryKind = mutation.kind == .delete ? .delete : .put
      memtable.insert(
        address,
        header: EntryHeader(
          sequence: position.sequence, kind: kind, type: mutation.type, expiry: mutation.expiry),
        value: bytes.extracting(mutation.value ?? 0..<0), hash: hash.hash(address))
    case .deleteRange, .requireAbsent, .requirePresent, .requireSequence: break
    }
  }

  /// Adds all range deletes that a batch has in this partition, as one change of the layers. Their order
  /// among the batch's other mutations does not matter: they hide only older batches.
  private func insert(_ ranges: [DeletedRange], at position: CommitPosition) {
    // A batch is never split over two layers, so all range deletes with its sequence are in this one.
    let last = writerLayer.tombstones.last.flatMap {
      $0.sequence == position.sequence ? $0.ordinal : nil
    }
    let first = last.map { $0 + 1 } ?? 0
    let new = ranges.enumerated().map { place, deleted in
      RangeTombstone(
        sequence: position.sequence, ordinal: first + UInt32(place), lsn: position.end.rawValue,
        keyspace: deleted.keyspace, lower: deleted.range.lower, upper: deleted.range.upper)
    }
    writerLayer.add(new)
    // Built before the lock is taken, so that no reader waits. Only the writer adds to the index; what is
    // dropped from it meanwhile is dropped from the new one below.
    let before = layers
    var added = before.tombstones
    added.insert(new)
    change { [added] layers in
      var tombstones = added
      if let finished = layers.tombstones.finished, finished != before.tombstones.finished {
        tombstones.drop(through: finished)
      }
      return Layers(
        active: layers.active, sealed: layers.sealed, tombstones: tombstones,
        activeTombstoneCount: layers.activeTombstoneCount + new.count)
    }
  }

  /// During recovery: tells the budget how much the active memtable has grown. Each worker does so for its
  /// own partition, and not for every record.
  func updateBudget() {
    let growth = activeByteCount - countedByteCount
    guard abs(growth) >= Self.countedGrowth else { return }
    countedByteCount += growth
    budget.addActive(growth)
  }

  private static let countedGrowth = 8 << 10

  /// Seals the active memtable, so that it is applied to LMDB, and starts a new one. Does nothing if it is
  /// empty.
  func seal() {
    guard !writerLayer.isEmpty else { return }
    let sealed = writerLayer
    sealed.sealedByteCount = sealed.memtable.byteCount
    sealed.isCounted = true
    budget.addSealed(sealed.sealedByteCount)
    writerLayer = MemtableLayer(hash: hash, spare: budget.spare)
    change { layers in
      Layers(
        active: writerLayer, sealed: [sealed] + layers.sealed, tombstones: layers.tombstones)
    }
    // After the change: a thread that finds the active layer unused also finds the sealed one.
    isActiveInUse.store(false, ordering: .releasing)
    onSeal(self)
  }

  // MARK: Apply and purge workers

  /// Whether the active layer has many range deletes, or has some that others wait for, and no other memtable
  /// is waiting to be applied.
  var shouldSealForTombstones: Bool {
    let layers = layers
    guard layers.activeTombstoneCount > 0, layers.sealed.isEmpty else { return false }
    return layers.activeTombstoneCount >= Upkeep.activeTombstoneLimit || hasTombstoneBacklog
  }

  /// Whether the active layer has range deletes, the disk is nearly full so that the space they free is
  /// needed, and no other memtable is waiting to be applied. Asks the file system about the partition's own
  /// directory, which may be a link to another disk than the store's.
  var shouldSealForDiskSpace: Bool {
    let layers = layers
    guard layers.activeTombstoneCount > 0, layers.sealed.isEmpty else { return false }
    return !environment.isDamaged && Ballast.isScarce(availableByteCount)
  }

  /// Whether more range deletes must wait until some are carried out. Those of a damaged file never are: it
  /// accepts no more of them, and those of other partitions do not wait for it.
  var hasTombstoneBacklog: Bool {
    let tombstones = layers.tombstones
    if tombstones.isEmpty || environment.isDamaged { return false }
    return tombstones.count >= MemoryBudget.tombstoneLimit
      || tombstones.byteCount >= budget.tombstoneByteLimit
  }

  /// Whether everything inserted is in LMDB. An insert in progress may or may not count.
  var isFullyApplied: Bool {
    !isActiveInUse.load(ordering: .acquiring) && layers.sealed.isEmpty
  }

  /// The position up to which LMDB holds everything, and the memtables that held it have been dropped.
  var applied: LSN { LSN(rawValue: appliedLSN.load(ordering: .acquiring)) }

  /// The oldest sealed memtable, which is applied next; nil if none is sealed.
  var nextToApply: MemtableLayer? { layers.sealed.last }

  /// Whether a sealed memtable holds batches at or below `lsn`.
  func hasSealed(before lsn: LSN) -> Bool {
    guard let first = nextToApply?.firstPosition else { return false }
    return first.end <= lsn
  }

  /// Drops the oldest sealed memtable, once LMDB holds all of it durably.
  func dropApplied(_ layer: MemtableLayer, upTo lsn: LSN) {
    change { layers in
      precondition(layers.sealed.last === layer, "memtables must be applied in order")
      return Layers(
        active: layers.active, sealed: Array(layers.sealed.dropLast()),
        tombstones: layers.tombstones, activeTombstoneCount: layers.activeTombstoneCount)
    }
    // After the change: no range delete may be carried out and forgotten while readers can find the memtable
    // with the entries that it hides.
    appliedLSN.store(lsn.rawValue, ordering: .releasing)
    uncount(layer)
  }

  /// Stops counting the sealed memtables in the budget when they can no longer be applied, so that the other
  /// partitions can use it. They stay in memory, are read from there, and do not grow: writes are refused.
  func uncountSealed() {
    for layer in layers.sealed { uncount(layer) }
  }

  private func uncount(_ layer: MemtableLayer) {
    layersMutex.lock()
    let wasCounted = layer.isCounted
    layer.isCounted = false
    layersMutex.unlock()
    if wasCounted { budget.removeSealed(layer.sealedByteCount) }
  }

  /// Forgets the range deletes up to `last`, all of which have been carried out completely.
  func dropTombstones(through last: RangeTombstone.ID) {
    change { layers in
      var tombstones = layers.tombstones
      tombstones.drop(through: last)
      return Layers(
        active: layers.active, sealed: layers.sealed, tombstones: tombstones,
        activeTombstoneCount: layers.activeTombstoneCount)
    }
  }

  /// The layers are replaced before the generation moves: a reader that sees the new number sees the new
  /// layers.
  private func change(_ body: (Layers) -> Layers) {
    // Keeps the old layers alive until the lock is released: freeing large ones takes time.
    let before = layers
    defer { withExtendedLifetime(before) {} }
    layersMutex.lock()
    defer { layersMutex.unlock() }
    current = body(current)
    generationNumber.add(1, ordering: .acquiringAndReleasing)
  }
}
