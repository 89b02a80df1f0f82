/// The ordered runs of a memtable: each covers a stretch of the insertion order, the stretches follow one
/// another, and each is more than twice as long as the one behind it, so that there are few.
///
/// Runs are made only when somebody wants order. A run that would be too long for its neighbour is made
/// over both stretches: sorting again is as quick as merging, because a radix sort reads the nodes in the
/// order in which they lie.
struct RunSet {
  private(set) var runs: [OrderedRun] = []
  private(set) var coveredCount = 0

  var byteCount: Int { runs.reduce(0) { $0 + $1.byteCount } }

  /// Whether this set serves better than `other`: it covers more, or as much with fewer runs.
  func isBetter(than other: RunSet) -> Bool {
    if coveredCount != other.coveredCount { return coveredCount > other.coveredCount }
    return runs.count < other.runs.count
  }

  /// Covers all that `list` has published. Amortized O(log n) for each key that is new.
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
    runs.append(OrderedRun(of: list, from: start, count: addedCount))
    coveredCount = count
  }

  /// Covers all that `list` has published with a single run. O(n) unless that is so already.
  mutating func unify(over list: NodeList) {
    let count = list.count
    guard count > coveredCount || runs.count > 1 else { return }
    runs = [OrderedRun(of: list, from: list.start, count: count)]
    coveredCount = count
  }
}
