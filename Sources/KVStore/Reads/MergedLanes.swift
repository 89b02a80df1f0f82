import Base

/// Merges many lanes into one, in key order. If several lanes have the same key, the first in the list
/// counts: newer lanes come first.
///
/// The lanes form a tournament tree: each place from 1 on holds the winner of the two below it, and the lanes
/// themselves are the last places. Nearly every match is decided by plain numbers in the tree, so that only
/// the lane that moves is touched.
///
/// What runs for every key is `@_transparent`, so that the compiler always inlines it into the scan's loop.
/// As calls it would cost a tenth of a scan.
struct MergedLanes {
  private struct Contender {
    /// The first bytes of the key, as a number that is smaller the sooner the key comes in the scan's
    /// direction.
    var order: UInt128
    var lane: Int
  }

  private let lanes: [ScanLane]
  private var heads: [ScanLane.Head]
  private var places: [Contender] = []
  private let isBackward: Bool
  /// Whether several lanes may have the same key.
  private let isLayered: Bool

  /// `lanes` must be at their first keys, and those of one partition must be adjacent.
  init(_ lanes: [ScanLane], backward: Bool) throws(StoreError) {
    self.lanes = lanes
    heads = lanes.map(\.head)
    isBackward = backward
    isLayered = zip(heads, heads.dropFirst()).contains { $0.partition == $1.partition }
    guard !lanes.isEmpty else { return }
    let contenders = lanes.indices.map { contender($0) }
    places = contenders + contenders
    for place in (1..<lanes.count).reversed() {
      places[place] = try winner(places[2 * place], places[2 * place + 1])
    }
  }

  /// The head of the lane with the current key; nil once all keys have been passed.
  @inline(__always)
  var place: ScanLane.Head? {
    guard !heads.isEmpty else { return nil }
    let head = heads[places[1].lane]
    return head.isValid ? head : nil
  }

  /// - Throws: if the pages of that lane are gone.
  @inline(__always)
  func checkView() throws(StoreError) { try lanes[places[1].lane].checkView() }

  /// Lends the entry with the current key; one from LMDB is verified first. There must be one.
  func withEntry<R>(
    _ body: (RawSpan, EntryHeader, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let lane = lanes[places[1].lane]
    guard let entry = heads[places[1].lane].leaf?.entry else { return try lane.withEntry(body) }
    try lane.checkView()
    return try entry.withBytes { key, stored throws(StoreError) in
      let header = try lane.decode(stored, key: key)
      return try body(
        key, EntryHeader(header), stored.extracting(droppingFirst: StoredValue.headerByteCount))
    }
  }

  /// Throws the error of the current entry, which the caller has found to be unsound.
  @inline(never)
  func throwUnsound() throws(StoreError) { try withEntry { _, _, _ in } }

  /// Lends the current key, whose entry may be damaged.
  func withKey<R>(
    _ body: (RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try withKey(places[1].lane, body)
  }

  /// Moves to the next key, past every lane's version of the current one.
  @_transparent
  mutating func next() throws(StoreError) {
    let best = places[1]
    if isLayered { try passOthers(best) }
    try move(best.lane)
  }

  private mutating func passOthers(_ best: Contender) throws(StoreError) {
    let partition = heads[best.lane].partition
    for lane in heads.indices
    where lane != best.lane && heads[lane].partition == partition && heads[lane].isValid
      && places[heads.count + lane].order == best.order
    {
      if try compare(lane, to: best.lane) == 0 { try move(lane) }
    }
  }

  /// Moves a lane, and replays its matches.
  @_transparent
  private mutating func move(_ lane: Int) throws(StoreError) {
    try moveHead(lane)
    var best = contender(lane)
    var place = heads.count &+ lane
    places[place] = best
    while place > 1 {
      best = try winner(best, places[place ^ 1])
      place >>= 1
      places[place] = best
    }
  }

  @_transparent
  private mutating func moveHead(_ lane: Int) throws(StoreError) {
    if heads[lane].leaf != nil {
      try lanes[lane].checkView()
      if case .entry = heads[lane].leaf!.step(isBackward ? .backward : .forward) {
        heads[lane].window = heads[lane].leaf!.entry.window
        return
      }
    }
    try moveLane(lane)
  }

  @inline(never)
  private mutating func moveLane(_ lane: Int) throws(StoreError) {
    try lanes[lane].move(from: heads[lane], backward: isBackward)
    heads[lane] = lanes[lane].head
  }

  @inline(__always)
  private func contender(_ lane: Int) -> Contender {
    guard heads[lane].isValid else { return Contender(order: .max, lane: lane) }
    let order = heads[lane].window.number
    return Contender(order: isBackward ? ~order : order, lane: lane)
  }

  @inline(__always)
  private func winner(_ one: Contender, _ other: Contender) throws(StoreError) -> Contender {
    if one.order == other.order { return try isAhead(one.lane, of: other.lane) ? one : other }
    return one.order < other.order ? one : other
  }

  /// Decides between keys whose first bytes are equal.
  @inline(never)
  private func isAhead(_ one: Int, of other: Int) throws(StoreError) -> Bool {
    guard heads[one].isValid, heads[other].isValid else { return heads[one].isValid }
    let order = try compare(one, to: other)
    if order == 0 { return one < other }
    return (order < 0) != isBackward
  }

  /// Negative, zero or positive if the key of one lane comes before the other's, is equal, or comes after it.
  private func compare(_ one: Int, to other: Int) throws(StoreError) -> Int {
    try withKey(one) { mine throws(StoreError) in
      try withKey(other) { theirs throws(StoreError) in mine.compare(to: theirs) }
    }
  }

  private func withKey<R>(
    _ lane: Int, _ body: (RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    guard let entry = heads[lane].leaf?.entry else { return try lanes[lane].withKey(body) }
    try lanes[lane].checkView()
    return try entry.withBytes { key, _ throws(StoreError) in try body(key) }
  }
}
