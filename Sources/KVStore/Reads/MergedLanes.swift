/// Many lanes walked as one, in the order of keys. Of lanes with one key the first in the list counts:
/// lists put the newest first.
struct MergedLanes {
  private let lanes: [ScanLane]
  private let isBackward: Bool
  private(set) var current: ScanLane?

  /// `lanes` have been placed at their first keys.
  init(_ lanes: [ScanLane], backward: Bool) throws(StoreError) {
    self.lanes = lanes
    isBackward = backward
    try settle()
  }

  /// Goes to the next key, past every lane's version of the present one.
  mutating func next() throws(StoreError) {
    guard let current else { return }
    for lane in lanes
    where lane !== current && lane.isValid && lane.partition == current.partition {
      if try lane.compare(to: current) == 0 { try lane.move(backward: isBackward) }
    }
    try current.move(backward: isBackward)
    try settle()
  }

  private mutating func settle() throws(StoreError) {
    var best: ScanLane?
    for lane in lanes where lane.isValid {
      guard let known = best else {
        best = lane
        continue
      }
      let order = try lane.compare(to: known)
      if isBackward ? order > 0 : order < 0 { best = lane }
    }
    current = best
  }
}
