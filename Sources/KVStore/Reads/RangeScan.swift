import Base

/// A scan of the entries of a range in one keyspace, over partitions whose views form one cut.
struct RangeScan {
  /// By partition, the layers with range deletes that may hide something; empty if there are none at all.
  private let layers: [Layers?]
  private let range: KeyRange
  private let keyspace: Keyspace
  private let isBackward: Bool
  private let sequence: SequenceNumber
  private let merged: MergedLanes

  init(
    _ views: [PartitionView], _ range: KeyRange, in keyspace: Keyspace, reverse: Bool,
    at sequence: SequenceNumber
  ) throws(StoreError) {
    let hidesSome = views.contains { !($0.layers?.tombstones.isEmpty ?? true) }
    layers = hidesSome ? views.map(\.layers) : []
    self.range = range
    self.keyspace = keyspace
    self.sequence = sequence
    isBackward = reverse
    let stored = range.storedKeys(in: keyspace)
    var lanes: [ScanLane] = []
    for place in views.indices {
      let shown = DeliberateBug.shown(sequence, of: place)
      lanes += views[place].memtableLanes(place: place, at: shown, in: stored, keyspace)
      lanes.append(try views[place].lmdbLane(place: place, keyspace))
    }
    for lane in lanes {
      try reverse ? lane.seekBackward(stored.upper) : lane.seek(stored.lower)
    }
    merged = try MergedLanes(lanes, backward: reverse)
  }

  /// What `run` does after it has lent an entry.
  enum Verdict { case count, pass, stop }

  /// Lends entries until `limit` of them have counted, until the end of the range, or until `body` stops it.
  ///
  /// While `body` runs, only plain values of the merge are in use. Otherwise each of its arrays would be
  /// retained and released for every entry.
  ///
  /// - Parameter skipsDamaged: whether a value that does not check out is skipped and counted, rather than
  ///   thrown. A damaged page is always an error: what came after it is unknown.
  @inline(__always)
  func run(
    limit: Int, pace: ScanBudget? = nil, skipsDamaged: Bool = false,
    _ body: (RawSpan, EntryHeader, RawSpan) throws(StoreError) -> Verdict
  ) throws(StoreError) {
    if range.isEmpty { return }
    var merged = merged
    let layers = layers
    let hidesSome = !layers.isEmpty
    var count = 0
    var steps = 0
    walk: while let place = merged.place {
      let partition = place.partition
      func show(
        _ key: RawSpan, _ header: EntryHeader, _ value: RawSpan
      ) throws(StoreError) -> Step {
        if isBeyond(key) { return .stop }
        steps &+= ScanBudget.steps(forByteCount: value.byteCount)
        guard header.kind == .put else { return .pass }
        if hidesSome, let layers = layers[partition],
          header.sequence
            < layers.tombstoneSequence(over: EntryAddress(keyspace, key), at: sequence)
        {
          return .pass
        }
        return switch try body(key, header, value) {
        case .count: .count
        case .pass: .pass
        case .stop: .stop
        }
      }
      let step: Step
      if let entry = place.leaf?.entry {
        try merged.checkView()
        step = try entry.withBytes { key, stored throws(StoreError) in
          guard
            let header = StoredValue.soundHeader(
              stored, at: EntryAddress(keyspace, key), seed: place.checksumSeed)
          else {
            if isBeyond(key) { return .stop }
            steps &+= ScanBudget.steps(forByteCount: stored.byteCount)
            return .unsound
          }
          return try show(
            key, EntryHeader(header),
            stored.extracting(droppingFirst: StoredValue.headerByteCount))
        }
      } else {
        step = try lend(merged, skipsDamaged: skipsDamaged, show)
      }
      switch step {
      case .stop: break walk
      case .pass: break
      case .count:
        count += 1
        if count == limit { break walk }
      case .damaged: steps &+= 1
      case .unsound: try pass(merged, skipsDamaged: skipsDamaged)
      }
      if steps >= ScanBudget.batch {
        try pace?.advance(by: steps)
        steps = 0
      }
      try merged.next()
    }
    try pace?.advance(by: steps)
  }

  private enum Step { case count, pass, stop, unsound, damaged }

  /// Lends an entry from a memtable or from LMDB's cursor, which verifies it on access. This and the next
  /// function are separate so that the loop stays small.
  @inline(never)
  private func lend(
    _ merged: borrowing MergedLanes, skipsDamaged: Bool,
    _ show: (RawSpan, EntryHeader, RawSpan) throws(StoreError) -> Step
  ) throws(StoreError) -> Step {
    do throws(StoreError) {
      return try merged.withEntry(show)
    } catch {
      guard error.isDamagedValue else { throw error }
      let isOutside = try merged.withKey { key throws(StoreError) in isBeyond(key) }
      guard isOutside || skipsDamaged else { throw error }
      return isOutside ? .stop : .damaged
    }
  }

  /// Counts an entry that does not check out, and throws its error unless it may be skipped.
  @inline(never)
  private func pass(
    _ merged: borrowing MergedLanes, skipsDamaged: Bool
  ) throws(StoreError) {
    do throws(StoreError) {
      try merged.throwUnsound()
    } catch {
      guard skipsDamaged, error.isDamagedValue else { throw error }
    }
  }

  private func isBeyond(_ key: RawSpan) -> Bool {
    if isBackward { return key.isBefore(range.lower.rawSpan) }
    guard let upper = range.upper else { return false }
    return !key.isBefore(upper.rawSpan)
  }
}

extension PartitionView {
  /// Lanes over the memtables of a current view that may hold keys in `range`, which is one of `keyspace`,
  /// newest first.
  func memtableLanes(
    place: Int, at sequence: SequenceNumber, in range: StoredRange, _ keyspace: Keyspace
  ) -> [ScanLane] {
    guard let layers else { preconditionFailure("a scan of a view that is not current") }
    let met = ([layers.active] + layers.sealed).filter {
      !$0.memtable.isEmpty && $0.memtable.mayHold(range)
    }
    return met.map { layer in
      ScanLane(
        layer.memtable.makeCursor(at: sequence), in: keyspace, partition: place,
        environment: partition.environment)
    }
  }

  func lmdbLane(place: Int, _ keyspace: Keyspace) throws(StoreError) -> ScanLane {
    try ScanLane(lmdb(), in: keyspace, partition: place, environment: partition.environment)
  }
}
