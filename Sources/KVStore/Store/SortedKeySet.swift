import Base

/// A set of stored keys that answers range queries while it grows, and from which whole ranges are removed.
///
/// Keys are added unsorted. A query puts them into sorted runs, each at least twice as long as the next, so
/// that a key moves into a longer run at most log n times. A removed key is skipped from then on at no cost:
/// removing the same ranges again and again costs no more than removing them once.
struct SortedKeySet {
  private struct Run {
    let keys: [[UInt8]]
    /// For a key that is present, its own place; for a removed one, a later place, where the search goes on.
    private var next: [Int32]
    private(set) var count: Int

    init(_ keys: [[UInt8]]) {
      self.keys = keys
      next = (0...Int32(keys.count)).map { $0 }
      count = keys.count
    }

    /// The first place from `place` on with a key that is present.
    mutating func find(_ place: Int) -> Int {
      var place = Int32(place)
      while next[Int(place)] != place {
        // Halves the path for later searches.
        next[Int(place)] = next[Int(next[Int(place)])]
        place = next[Int(place)]
      }
      return Int(place)
    }

    mutating func remove(_ place: Int) {
      next[place] = Int32(place + 1)
      count -= 1
    }

    /// The first place whose key is not before `bound`.
    func lowerBound(_ bound: RawSpan) -> Int {
      var low = 0
      var high = keys.count
      while low < high {
        let middle = (low + high) / 2
        let isBefore = keys[middle].withBytes { $0.isBefore(bound) }
        if isBefore { low = middle + 1 } else { high = middle }
      }
      return low
    }

    var remaining: [[UInt8]] { keys.indices.filter { next[$0] == $0 }.map { keys[$0] } }
  }

  /// Longest first.
  private var runs: [Run] = []
  private var unsorted: [[UInt8]] = []
  /// How many keys were visited or moved so far. For tests.
  private(set) var stepCount = 0

  /// Removes all keys.
  mutating func removeAll() {
    runs.removeAll()
    unsorted.removeAll(keepingCapacity: unsorted.count <= 1024)
  }

  /// Adds a key that is not in the set. O(1) here, O(log² n) in the next query.
  mutating func insert(_ key: [UInt8]) { unsorted.append(key) }

  /// The keys in `range`, in order. O(log² n + k log k) for k of them.
  mutating func keys(in range: StoredRange) -> [[UInt8]] {
    visit(range) { _ in false }
  }

  /// Removes the keys in `range` for which `isWanted` returns true, and returns them in order.
  mutating func remove(in range: StoredRange, where isWanted: ([UInt8]) -> Bool) -> [[UInt8]] {
    visit(range, isWanted).filter(isWanted)
  }

  private mutating func visit(
    _ range: StoredRange, _ isRemoved: ([UInt8]) -> Bool
  ) -> [[UInt8]] {
    settle()
    var found: [[UInt8]] = []
    var runCount = 0
    for index in runs.indices {
      let before = found.count
      var place = runs[index].find(runs[index].lowerBound(range.lower.rawSpan))
      while place < runs[index].keys.count {
        let key = runs[index].keys[place]
        if !key.isBefore(range.upper) { break }
        stepCount += 1
        found.append(key)
        if isRemoved(key) { runs[index].remove(place) }
        place = runs[index].find(place + 1)
      }
      if found.count > before { runCount += 1 }
    }
    if runCount > 1 { found.sort { $0.isBefore($1) } }
    return found
  }

  private mutating func settle() {
    if unsorted.isEmpty { return }
    var newest = Run(unsorted.sorted { $0.isBefore($1) })
    unsorted.removeAll(keepingCapacity: true)
    while let before = runs.last, before.count < 2 * newest.count {
      newest = Run(Self.merge(before.remaining, newest.remaining))
      stepCount += newest.count
      runs.removeLast()
    }
    runs.append(newest)
  }

  private static func merge(_ one: [[UInt8]], _ other: [[UInt8]]) -> [[UInt8]] {
    var merged: [[UInt8]] = []
    merged.reserveCapacity(one.count + other.count)
    var (first, second) = (0, 0)
    while first < one.count, second < other.count {
      if one[first].isBefore(other[second]) {
        merged.append(one[first])
        first += 1
      } else {
        merged.append(other[second])
        second += 1
      }
    }
    return merged + one[first...] + other[second...]
  }
}
