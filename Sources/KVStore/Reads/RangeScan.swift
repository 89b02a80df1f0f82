import TxnWAL

/// A walk over the visible entries of a range, over partitions whose views are one cut.
struct RangeScan {
  /// By partition, the range deletes that may hide something; empty where there are none at all.
  private let layers: [Layers?]
  private let range: KeyRange
  private let isBackward: Bool
  private let sequence: SequenceNumber
  private var merged: MergedLanes

  init(
    _ views: [PartitionView], range: KeyRange, reverse: Bool, at sequence: SequenceNumber
  ) throws(StoreError) {
    let hidesSome = views.contains { !($0.layers?.tombstones.isEmpty ?? true) }
    layers = hidesSome ? views.map(\.layers) : []
    self.range = range
    self.sequence = sequence
    isBackward = reverse
    var lanes: [ScanLane] = []
    for place in views.indices {
      let shown = DeliberateBug.shown(sequence, of: place)
      lanes += views[place].memtableLanes(place: place, at: shown, in: range)
      lanes.append(try views[place].lmdbLane(place: place))
    }
    for lane in lanes {
      try reverse ? lane.seekBackward(range.upper) : lane.seek(range.lower.rawSpan)
    }
    merged = try MergedLanes(lanes, backward: reverse)
  }

  /// Lends entries until `limit`, the range's end, or false from `body`.
  mutating func run(
    limit: Int, _ body: (RawSpan, EntryHeader, RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    if range.isEmpty { return }
    var count = 0
    while count < limit, let lane = merged.current {
      let step = try lane.withEntry { key, header, value throws(StoreError) in
        if isBeyond(key) { return Step.stop }
        guard header.kind == .put else { return .pass }
        if !layers.isEmpty, let layers = layers[lane.partition],
          header.sequence < layers.tombstoneSequence(over: key, at: sequence)
        {
          return .pass
        }
        return try body(key, header, value) ? .count : .stop
      }
      switch step {
      case .stop: return
      case .pass: break
      case .count: count += 1
      }
      try merged.next(from: lane)
    }
  }

  private enum Step { case count, pass, stop }

  private func isBeyond(_ key: RawSpan) -> Bool {
    if isBackward { return key.isBefore(range.lower.rawSpan) }
    guard let upper = range.upper else { return false }
    return !key.isBefore(upper.rawSpan)
  }
}

extension ScanLane {
  fileprivate func seekBackward(_ key: [UInt8]?) throws(StoreError) {
    if let key { try seekBackward(key.rawSpan) } else { try seekBackward(nil as RawSpan?) }
  }
}

extension PartitionView {
  /// The memtables of a current view that may hold keys in `range`, the newest first.
  func memtableLanes(
    place: Int, at sequence: SequenceNumber, in range: KeyRange = .everything
  ) -> [ScanLane] {
    guard let layers else { preconditionFailure("a scan of a view that is not current") }
    let met = ([layers.active] + layers.sealed).filter {
      !$0.memtable.isEmpty && $0.memtable.mayHold(range)
    }
    return met.map { layer in
      ScanLane(
        layer.memtable.makeCursor(at: sequence), partition: place,
        environment: partition.environment)
    }
  }

  func lmdbLane(place: Int) throws(StoreError) -> ScanLane {
    ScanLane(
      try lmdb().makeCursor(), partition: place, environment: partition.environment)
  }
}
