/// The smallest part of an impossible history that was found, which is impossible by itself.
struct Reduction {
  private(set) var indices: [Int]
  private(set) var initial: State
  /// Nil if what was read afterwards is not needed for the contradiction.
  private(set) var final: State?
  private let entries: [Linearizability.Entry]
  private let clock: ClosedRange<Int>
  /// What is told later than this is not looked at: an operation that returned then is one of unknown outcome.
  private(set) var end: UInt64

  /// Each step keeps the meaning: a history cut off in time, begun behind a write that nothing overlaps,
  /// and read less often is possible if the whole is.
  init(
    _ entries: [Linearizability.Entry], from initial: State, to final: State,
    clock: ClosedRange<Int> = 0...0
  ) {
    self.entries = entries
    self.clock = clock
    self.initial = initial
    self.final = final
    end = .max
    indices = Array(entries.indices)
    cutEnd()
    cutStart()
    dropReads()
  }

  private func isImpossible(
    _ indices: [Int], from initial: State, end: UInt64, final: State?
  ) -> Bool {
    let part = indices.compactMap { index -> Linearizability.Entry? in
      var entry = entries[index]
      if entry.invoked > end { return nil }
      if entry.returned > end { entry.returned = .max }
      return entry
    }
    return Linearizability.check(part, from: initial, to: final, clock: clock) == .impossible
  }

  /// The first return with which it is impossible.
  private mutating func cutEnd() {
    let ends = entries.map(\.returned).filter { $0 != .max }.sorted()
    var (low, high) = (0, ends.count)
    while low < high {
      let middle = (low + high) / 2
      if isImpossible(indices, from: initial, end: ends[middle], final: nil) {
        high = middle
      } else {
        low = middle + 1
      }
    }
    guard low < ends.count else { return }
    end = ends[low]
    final = nil
    indices = indices.filter { entries[$0].invoked <= end }
  }

  /// Begins with what the last write left that nothing known overlaps and that leaves one state for sure.
  private mutating func cutStart() {
    let starts = indices.filter { index in
      let entry = entries[index]
      guard entry.returned < end, entry.change.sets != nil else { return false }
      return indices.allSatisfy {
        $0 == index || entries[$0].returned < entry.invoked
          || entries[$0].invoked > entry.returned
          || entries[$0].returned == .max
            && entries[$0].invoked < entry.invoked
      }
    }
    for start in starts.sorted(by: { entries[$0].invoked > entries[$1].invoked }) {
      let returned = entries[start].returned
      let rest = indices.filter { $0 != start && entries[$0].returned > returned }
      if let state = entries[start].change.sets,
        isImpossible(rest, from: state, end: end, final: final)
      {
        (indices, initial) = (rest, state)
        return
      }
    }
  }

  private mutating func dropReads() {
    for index in indices where entries[index].change.isRead {
      let rest = indices.filter { $0 != index }
      if isImpossible(rest, from: initial, end: end, final: final) { indices = rest }
    }
  }
}

extension Change {
  /// The state that it leaves whatever was there.
  fileprivate var sets: State? {
    switch self {
    case .write(let state) where state.expiry == nil: state
    case .remove: .absent
    default: nil
    }
  }
}
