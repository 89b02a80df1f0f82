import Base
import Synchronization
import TxnWAL

/// One part of the keyspace: memtables above, an LMDB file below.
///
/// It has one writer at a time, the thread that is the sequencer (in recovery, its own worker); one
/// apply worker or the purge worker at a time writes its LMDB file; readers are free.
///
/// Sound as `@unchecked Sendable`: `writerLayer` belongs to the writer, `current` is reached inside `layersMutex`
/// alone, the rest is immutable or atomic.
final class Partition: @unchecked Sendable {
  let index: Int
  let environment: LMDBEnvironment
  let hash: KeyHash
  let appliedAtOpen: AppliedState
  let budget: MemoryBudget

  /// What protects `current`. Not a `Lock`, whose call with a closure is most of what taking the layers costs.
  private let layersMutex = PlatformMutex()
  private var current: Layers
  private let generationNumber = Atomic<UInt64>(1)
  /// LMDB readers for whoever needs one next; nil once the partition is closed.
  private let pool = Lock<[ReadTransaction]?>([])
  /// The active layer, without the lock, for its writer.
  private var writerLayer: MemtableLayer
  /// What the budget knows of it, in recovery.
  private var countedByteCount = 0
  /// See `applied`.
  private let appliedLSN: Atomic<UInt64>
  /// Whether the active layer has anything in it, for others than its writer.
  private let isActiveInUse = Atomic<Bool>(false)

  /// Whether there is a map's field in it; of use once it is recovered, while which its one writer sets it.
  private(set) var mayHoldMaps: Bool

  let watches = KeyWatches()
  let presence: OwnerPresence

  /// Looks a key's newest version up for a precondition; set once the store is whole.
  var preconditions: PreconditionChecker?
  /// Told when a memtable has been sealed.
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
    // What cannot be read says nothing against it.
    mayHoldMaps = (try? reader.hasMaps()) ?? true
    reader.reset()
    pool.withLock { $0?.append(reader) }
    appliedLSN = Atomic(appliedAtOpen.lsn)
    writerLayer = MemtableLayer(hash: hash, spare: budget.spare)
    var index = RangeIndex()
    index.insert(tombstones)
    current = Layers(active: writerLayer, sealed: [], tombstones: index)
  }

  /// Frees the LMDB readers and closes the file, as soon as readers that are out are given back. Nobody
  /// may write any more.
  func close() {
    pool.withLock { $0 = nil }
    environment.close()
  }

  /// The room on the disk that holds the file, 0 where it cannot be told.
  var availableByteCount: UInt64 {
    (try? Files.space(at: environment.directory).available) ?? 0
  }

  // MARK: Reading

  /// One more whenever the layers change.
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

  // MARK: The writer's side

  /// The bytes of the memtable that is being written.
  var activeByteCount: Int { writerLayer.memtable.byteCount }

  var isActiveEmpty: Bool { writerLayer.isEmpty }

  /// The place of the newest batch in the active layer.
  var lastPosition: CommitPosition? { writerLayer.lastPosition }

  /// The position of the oldest batch that LMDB lacks, if there is one. For the writer.
  var oldestUnapplied: LSN? {
    let layers = layers
    let oldest = layers.sealed.last ?? layers.active
    return oldest.firstPosition?.end
  }

  /// Puts `mutations` into the active memtable. Returns false where the bytes are no mutations.
  func insert(_ mutations: RawSpan, at position: CommitPosition) -> Bool {
    let memtable = writerLayer.memtable
    var offset = 0
    var ranges: [KeyRange] = []
    while offset < mutations.byteCount {
      guard let mutation = Mutation.parse(mutations, at: offset) else { return false }
      if mutation.kind == .deleteRange {
        ranges.append(KeyRange(mutation, in: mutations))
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

  /// In recovery only: later, whoever writes takes note.
  func noteMaps(in mutations: RawSpan) {
    var offset = 0
    while !mayHoldMaps, offset < mutations.byteCount,
      let mutation = Mutation.parse(mutations, at: offset)
    {
      offset = mutation.end
      let key = mutations.extracting(mutation.key)
      mayHoldMaps = key.beginsWithZero && InternalKey.isMapField(key)
    }
  }

  private func insert(
    _ mutation: Mutation, in bytes: RawSpan, at position: CommitPosition, into memtable: Memtable
  ) {
    switch mutation.kind {
    case .put, .putEntry, .delete:
      let key = bytes.extracting(mutation.key)
      let kind: EntryKind = mutation.kind == .delete ? .delete : .put
      memtable.insert(
        key: key,
        header: EntryHeader(
          sequence: position.sequence, kind: kind, type: mutation.type, expiry: mutation.expiry),
        value: bytes.extracting(mutation.value ?? 0..<0), hash: hash.hash(key))
    case .deleteRange, .requireAbsent, .requirePresent, .requireSequence: break
    }
  }

  /// All range deletes that a batch has here, as one change of the layers. Among the batch's other mutations
  /// their order means nothing: they hide older batches alone.
  private func insert(_ ranges: [KeyRange], at position: CommitPosition) {
    // A batch is never spread over two layers, so those that share its sequence are in this one.
    let last = writerLayer.tombstones.last.flatMap {
      $0.sequence == position.sequence ? $0.ordinal : nil
    }
    let first = last.map { $0 + 1 } ?? 0
    let new = ranges.enumerated().map { place, range in
      RangeTombstone(
        sequence: position.sequence, ordinal: first + UInt32(place), lsn: position.end.rawValue,
        lower: range.lower, upper: range.upper)
    }
    writerLayer.add(new)
    // Made before the lock is taken, so that no reader waits: the writer alone adds to the index, and what is
    // dropped from it meanwhile can be dropped from the new one too.
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

  /// In recovery: tells the budget how much the active memtable has grown. Each worker does so for its own,
  /// and not for every record.
  func countActive() {
    let growth = activeByteCount - countedByteCount
    guard abs(growth) >= Self.countedGrowth else { return }
    countedByteCount += growth
    budget.addActive(growth)
  }

  private static let countedGrowth = 8 << 10

  /// Begins a new memtable; the one so far is on its way to LMDB from here on.
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
    // After the change: who finds the active layer unused finds the sealed one.
    isActiveInUse.store(false, ordering: .releasing)
    onSeal(self)
  }

  // MARK: The apply and purge workers' side

  /// Whether the active layer has many range deletes, or some that others wait for, and no other memtable is
  /// on its way to LMDB.
  var hasGatheredTombstones: Bool {
    let layers = layers
    guard layers.activeTombstoneCount > 0, layers.sealed.isEmpty else { return false }
    return layers.activeTombstoneCount >= Upkeep.activeTombstoneLimit || hasTombstoneBacklog
  }

  /// Whether the active layer has range deletes whose room is needed, because its disk has little left, and no other
  /// memtable is on its way to LMDB. Asks the file system, of the partition's own file: it may be a link to another
  /// disk than the store's.
  var hasScarceTombstones: Bool {
    let layers = layers
    guard layers.activeTombstoneCount > 0, layers.sealed.isEmpty else { return false }
    return !environment.isDamaged && Ballast.isScarce(availableByteCount)
  }

  /// Whether more range deletes must wait until some are carried out. Those of a damaged file never are: it
  /// takes no more of them, and the others do not wait for it.
  var hasTombstoneBacklog: Bool {
    let tombstones = layers.tombstones
    if tombstones.isEmpty || environment.isDamaged { return false }
    return tombstones.count >= MemoryBudget.tombstoneLimit
      || tombstones.byteCount >= budget.tombstoneByteLimit
  }

  /// Whether everything that was inserted is in LMDB. What is being inserted at this moment may or may
  /// not count.
  var isWhollyApplied: Bool {
    !isActiveInUse.load(ordering: .acquiring) && layers.sealed.isEmpty
  }

  /// The position up to which LMDB holds everything, and the memtables that held it are dropped.
  var applied: LSN { LSN(rawValue: appliedLSN.load(ordering: .acquiring)) }

  /// The oldest memtable that LMDB lacks, if one is sealed.
  var nextToApply: MemtableLayer? { layers.sealed.last }

  /// Whether a sealed memtable holds batches up to `lsn`.
  func hasSealed(before lsn: LSN) -> Bool {
    guard let first = nextToApply?.firstPosition else { return false }
    return first.end <= lsn
  }

  /// Drops the oldest sealed memtable, all of which LMDB holds durably now.
  func dropApplied(_ layer: MemtableLayer, upTo lsn: LSN) {
    change { layers in
      precondition(layers.sealed.last === layer, "memtables are applied in order")
      return Layers(
        active: layers.active, sealed: Array(layers.sealed.dropLast()),
        tombstones: layers.tombstones, activeTombstoneCount: layers.activeTombstoneCount)
    }
    // After the change: no range delete may be carried out, and forgotten, while the memtable can be read that holds
    // what it hides.
    appliedLSN.store(lsn.rawValue, ordering: .releasing)
    uncount(layer)
  }

  /// Takes what can no longer be applied out of the budget, which the other partitions live on. It stays in
  /// memory, is read from there, and does not become more: writes are refused.
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

  /// Forgets the range deletes up to `last`, all of which have been carried out to their ends.
  func dropTombstones(through last: RangeTombstone.ID) {
    change { layers in
      var tombstones = layers.tombstones
      tombstones.drop(through: last)
      return Layers(
        active: layers.active, sealed: layers.sealed, tombstones: tombstones,
        activeTombstoneCount: layers.activeTombstoneCount)
    }
  }

  /// The layers are replaced before the generation moves: who sees the new number sees them.
  private func change(_ body: (Layers) -> Layers) {
    // Kept until the lock is free again: to free large ones takes time.
    let before = layers
    defer { withExtendedLifetime(before) {} }
    layersMutex.lock()
    defer { layersMutex.unlock() }
    current = body(current)
    generationNumber.add(1, ordering: .acquiringAndReleasing)
  }
}
