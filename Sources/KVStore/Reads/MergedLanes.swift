/// Many lanes walked as one, in the order of keys. Of lanes with one key the first in the list counts:
/// lists put the newest first.
///
/// What decides nearly every comparison is kept beside the lanes as plain values, so that only the lane that
/// moves is touched.
struct MergedLanes {
  private struct Head {
    let partition: Int
    var isValid: Bool
    var window: KeyWindow
  }

  private let lanes: [ScanLane]
  private var heads: [Head] = []
  private let isBackward: Bool
  /// The lane with the next key, by its place in the list; nil at the end.
  private var best: Int?

  /// `lanes` have been placed at their first keys.
  init(_ lanes: [ScanLane], backward: Bool) throws(StoreError) {
    self.lanes = lanes
    isBackward = backward
    for lane in lanes {
      heads.append(Head(partition: lane.partition, isValid: lane.isValid, window: lane.window))
    }
    try settle()
  }

  /// The lane that stands at the next key.
  var current: ScanLane? { best.map { lanes[$0] } }

  /// Goes to the next key, past every lane's version of the present one. `lane` is the current one.
  mutating func next(from lane: ScanLane) throws(StoreError) {
    guard let current = best else { return }
    let head = heads[current]
    for place in heads.indices
    where place != current && heads[place].partition == head.partition && heads[place].isValid
      && heads[place].window == head.window
    {
      let other = lanes[place]
      if try other.compare(to: lane) == 0 { try move(other, place) }
    }
    try move(lane, current)
    try settle()
  }

  private mutating func move(_ lane: ScanLane, _ place: Int) throws(StoreError) {
    try lane.move(backward: isBackward)
    heads[place].isValid = lane.isValid
    heads[place].window = lane.window
  }

  private mutating func settle() throws(StoreError) {
    var best: Int?
    for place in heads.indices where heads[place].isValid {
      guard let known = best else {
        best = place
        continue
      }
      if try isAhead(place, of: known) { best = place }
    }
    self.best = best
  }

  @inline(__always)
  private func isAhead(_ place: Int, of other: Int) throws(StoreError) -> Bool {
    let (mine, theirs) = (heads[place].window, heads[other].window)
    if mine != theirs { return mine.isBefore(theirs) != isBackward }
    let order = try lanes[place].compare(to: lanes[other])
    return isBackward ? order > 0 : order < 0
  }
}
