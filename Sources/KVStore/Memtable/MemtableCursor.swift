/// Iterates over a memtable's stored keys in byte order, forward and backward, each with its newest version at or
/// below one sequence. Keys without such a version are skipped.
///
/// The keys lie in a few ordered runs, each key in exactly one. In each run the cursor keeps a cut between
/// the keys before its own key and the rest; its own key is the least of those right after the cuts. This
/// serves both directions: moving forward advances the cut of the current key's run; moving backward takes
/// back the cut of the run with the greatest key before its cut.
///
/// A cursor keeps the memtable alive. It is for use by one thread.
struct MemtableCursor {
  private struct Lane: BitwiseCopyable {
    let entries: OrderedEntries
    var cut = 0
  }

  /// How many keys ahead nodes are prefetched; their newest versions are prefetched half as far ahead. In key
  /// order the nodes are scattered over memory, and waiting for one costs as much as writing out its entry.
  private static let lookahead = 8

  private let memtable: Memtable
  private let runs: [SortedRun]
  private let sequence: SequenceNumber
  private var lanes: [Lane]
  /// The lane whose key after the cut is the cursor's, with that key's node and version. Nil before the first
  /// seek and past either end.
  private var current: (lane: Int, node: KeyNode, version: KeyVersion)?

  init(memtable: Memtable, runs: [SortedRun], sequence: SequenceNumber) {
    self.memtable = memtable
    self.sequence = sequence
    self.runs = runs
    lanes = runs.map { Lane(entries: $0.view) }
  }

  /// Whether the cursor is at a key.
  var isValid: Bool { current != nil }

  /// Moves to the first key at or after `key`, which is a stored key like all bounds. O(log n).
  mutating func seek(_ key: RawSpan) {
    cut(before: key)
    settleForward()
  }

  /// Moves to the last key before `key`. O(log n).
  mutating func seekBackward(_ key: RawSpan) {
    cut(before: key)
    settleBackward()
  }

  /// Moves to the next key; invalid after the last one. The cursor must be at a key.
  mutating func next() {
    guard let current else { preconditionFailure("The cursor is not at a key; seek first.") }
    lanes[current.lane].cut += 1
    settleForward()
  }

  /// Moves to the previous key; invalid before the first one. The cursor must be at a key.
  mutating func previous() {
    precondition(isValid, "The cursor is not at a key; seek first.")
    settleBackward()
  }

  /// Lends the stored key. The cursor must be at a key.
  func withStoredKey<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    guard let current else { preconditionFailure("The cursor is not at a key; seek first.") }
    return try current.node.withStoredKey(body)
  }

  /// Lends the stored key with its version. The cursor must be at a key.
  func withEntry<R, E: Error>(
    _ body: (_ storedKey: RawSpan, _ header: EntryHeader, _ value: RawSpan) throws(E) -> R
  ) throws(E) -> R {
    guard let current else { preconditionFailure("The cursor is not at a key; seek first.") }
    return try current.node.withStoredKey { key throws(E) in
      try current.version.withValue { value throws(E) in
        try body(key, current.version.header, value)
      }
    }
  }

  /// Lends the stored key and its version, which links to the older ones. The cursor must be at a key.
  func withVersion<R, E: Error>(
    _ body: (_ storedKey: RawSpan, _ version: KeyVersion) throws(E) -> R
  ) throws(E) -> R {
    guard let current else { preconditionFailure("The cursor is not at a key; seek first.") }
    return try current.node.withStoredKey { key throws(E) in try body(key, current.version) }
  }

  private mutating func cut(before key: RawSpan) {
    for lane in lanes.indices { lanes[lane].cut = lanes[lane].entries.count(before: key) }
  }

  /// Moves to the least key after the cuts that has a visible version.
  private mutating func settleForward() {
    while let (number, entry) = least() {
      let lane = lanes[number]
      lane.entries.fetch(lane.cut + Self.lookahead)
      lane.entries.fetchVersion(lane.cut + Self.lookahead / 2)
      if let version = entry.node.version(at: sequence) {
        current = (number, entry.node, version)
        return
      }
      lanes[number].cut += 1
    }
    current = nil
  }

  /// The least key after the cuts, and its lane.
  @inline(__always)
  private func least() -> (lane: Int, entry: OrderedEntry)? {
    var least: (lane: Int, entry: OrderedEntry)?
    for number in lanes.indices {
      let lane = lanes[number]
      guard lane.cut < lane.entries.count else { continue }
      let entry = lane.entries[lane.cut]
      if let known = least, known.entry < entry { continue }
      least = (number, entry)
    }
    return least
  }

  /// Moves to the greatest key before the cuts that has a visible version.
  private mutating func settleBackward() {
    while let (number, entry) = greatest() {
      lanes[number].cut -= 1
      if let version = entry.node.version(at: sequence) {
        current = (number, entry.node, version)
        return
      }
    }
    current = nil
  }

  /// The greatest key before the cuts, and its lane.
  private func greatest() -> (lane: Int, entry: OrderedEntry)? {
    var greatest: (lane: Int, entry: OrderedEntry)?
    for number in lanes.indices {
      let lane = lanes[number]
      guard lane.cut > 0 else { continue }
      let entry = lane.entries[lane.cut - 1]
      if let known = greatest, entry < known.entry { continue }
      greatest = (number, entry)
    }
    return greatest
  }
}
