/// The ordered runs of a memtable. Each covers a stretch of the insertion order. The stretches are
/// consecutive, and each is more than twice as long as the next, so there are few.
///
/// Runs are built only when a caller needs sorted keys. If a run would be too long relative to the one before
/// it, a single run is built over both stretches. Sorting again is as fast as merging, because a radix sort
/// reads the nodes in the order in which they lie in memory.
struct RunSet {
  private(set) var runs: [SortedRun] = []
  private(set) var coveredCount = 0

  var byteCount: Int { runs.reduce(0) { $0 + $1.byteCount } }

  /// Whether this set is better than `other`: it covers more keys, or as many with fewer runs.
  func isBetter(than other: RunSet) -> Bool {
    if coveredCount != other.coveredCount { return coveredCount > other.coveredCount }
    return runs.count < other.runs.count
  }

  /// Extends the set to everything that `list` has published. O(log n) amortized for each new key.
  mutating func extend(over list: NodeList) {
    let count = list.count
    guard count > coveredCount else { return }
    var start = runs.last?.end ?? list.start
    var addedCount = count - coveredCount
    while let last = runs.last, last.count <= 2 * addedCount {
      start = last.start
      addedCount += last.count
      runs.removeLast()
    }
    runs.append(SortedRun(of: list, from: start, count: addedCount))
    coveredCount = count
  }

  /// Replaces the runs with a single one over everything that `list` has published. O(n), unless there is one
  /// already.
  mutating func unify(over list: NodeList) {
    let count = list.count
    guard count > coveredCount || runs.count > 1 else { return }
    runs = [SortedRun(of: list, from: list.start, count: count)]
    coveredCount = count
  }
}
