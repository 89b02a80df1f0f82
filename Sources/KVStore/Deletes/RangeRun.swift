import Base

/// Range deletes cut into disjoint fragments, so that one binary search finds the newest of them over a key.
///
/// It is immutable, so that readers share it without a lock. A run is made either of ranges that all have one
/// sequence, or of two runs, of which the older has no sequence above those of the newer:
///
///     older     |---- 3 ----|            |-- 3 --|
///     newer             |------- 5 -------|
///     merged    |-- 3 --|------- 5 -------|-- 3 -|      and both parts, for reads as of 4
///
/// Adjacent fragments with the same sequence are joined, so there are at most twice as many bounds as ranges.
/// Both parts are kept, because a range delete that a newer one hides in the merged run is needed by a reader
/// to which the newer one is not visible yet. Memory: O(n log n) for n ranges.
final class RangeRun: Sendable {
  /// What is kept about the range deletes besides their ranges.
  struct Origin: Sendable {
    var firstSequence: SequenceNumber
    var last: RangeTombstone.ID
    var firstLSN: UInt64 = 0
    var lastLSN: UInt64 = 0
    /// The number of ranges, and approximately the memory that they take.
    var count: Int
    var byteCount = 0
    /// Whether they may cover users' entries.
    var isVisible = true
  }

  /// The stored keys at which fragments begin, in order. Each ends where the next begins; the last one, in
  /// which nothing is deleted, has no end.
  let bounds: [[UInt8]]
  /// The newest sequence in each fragment; 0 if no range delete covers it.
  let newest: [SequenceNumber]
  let origin: Origin
  let parts: (older: RangeRun, newer: RangeRun)?

  private init(
    _ fragments: Fragments, _ origin: Origin, parts: (older: RangeRun, newer: RangeRun)?
  ) {
    bounds = fragments.bounds
    newest = fragments.newest
    self.origin = origin
    self.parts = parts
  }

  /// A run of ranges that share a sequence, in any order. O(n log n).
  convenience init(_ ranges: [StoredRange], _ origin: Origin) {
    var fragments = Fragments()
    fragments.reserve(ranges.count * 2)
    let sequence = origin.last.sequence
    // The end of what has been added so far.
    var end: [UInt8] = []
    for range in Self.inOrder(ranges) where !range.isEmpty {
      if !fragments.isEmpty, !end.isBefore(range.lower) {
        if !end.isBefore(range.upper) { continue }
      } else {
        if !fragments.isEmpty { fragments.append(end, 0) }
        fragments.append(range.lower, sequence)
      }
      end = range.upper
    }
    if !fragments.isEmpty { fragments.append(end, 0) }
    self.init(fragments, origin, parts: nil)
  }

  private static func inOrder(_ ranges: [StoredRange]) -> [StoredRange] {
    func isBefore(_ one: StoredRange, _ other: StoredRange) -> Bool {
      one.lower.isBefore(other.lower)
    }
    let isOrdered = zip(ranges, ranges.dropFirst()).allSatisfy { !isBefore($1, $0) }
    return isOrdered ? ranges : ranges.sorted(by: isBefore)
  }

  /// Merges two runs. O(n).
  convenience init(merging older: RangeRun, _ newer: RangeRun) {
    let (first, last) = (older.origin, newer.origin)
    precondition(first.last <= last.last, "range deletes must be merged in order")
    let origin = Origin(
      firstSequence: first.firstSequence, last: last.last, firstLSN: first.firstLSN,
      lastLSN: last.lastLSN, count: first.count + last.count,
      byteCount: first.byteCount + last.byteCount,
      isVisible: first.isVisible || last.isVisible)
    self.init(Fragments(merging: older, newer), origin, parts: (older, newer))
  }

  /// The sequence of the newest range delete over `address`; 0 if there is none. O(log n).
  func newest(over address: EntryAddress) -> SequenceNumber {
    var low = 0
    var high = bounds.count
    while low < high {
      let middle = (low + high) / 2
      let isBehind = bounds[middle].withBytes { address.isBefore(storedKey: $0) }
      if isBehind { high = middle } else { low = middle + 1 }
    }
    return low == 0 ? 0 : newest[low - 1]
  }

  /// The same, of those up to `sequence`. O(log² n).
  func newest(over address: EntryAddress, at sequence: SequenceNumber) -> SequenceNumber {
    let found = newest(over: address)
    // Also if it is 0: neither part covers an address that the merged run does not cover.
    if found <= sequence { return found }
    guard let parts else { return 0 }
    if DeliberateBug.forgetsCoveredRangeDeletes.isOn { return 0 }
    if parts.newer.origin.firstSequence <= sequence {
      let newer = parts.newer.newest(over: address, at: sequence)
      if newer != 0 { return newer }
    }
    return parts.older.newest(over: address, at: sequence)
  }

  /// The newest sequence among those whose log records end at or below `lsn`; 0 if there is none. O(log n).
  func newestSequence(upTo lsn: UInt64) -> SequenceNumber {
    if origin.lastLSN <= lsn { return origin.last.sequence }
    guard let parts, origin.firstLSN <= lsn else { return 0 }
    let newer = parts.newer.newestSequence(upTo: lsn)
    return newer != 0 ? newer : parts.older.newestSequence(upTo: lsn)
  }

  /// The run without those up to `id`; nil if none are left. A part of which some are left stays whole. O(log n).
  func dropping(through id: RangeTombstone.ID) -> RangeRun? {
    if origin.last <= id { return nil }
    guard let parts, parts.older.origin.last <= id else { return self }
    return parts.newer.dropping(through: id)
  }

  /// The number of range deletes after `id`. O(log n).
  func count(behind id: RangeTombstone.ID?) -> Int {
    guard let id, origin.firstSequence <= id.sequence else { return origin.count }
    if origin.last <= id { return 0 }
    if let parts { return parts.older.count(behind: id) + parts.newer.count(behind: id) }
    return min(origin.count, Int(origin.last.ordinal) - Int(id.ordinal))
  }
}

extension RangeRun {
  /// Fragments under construction.
  private struct Fragments {
    private(set) var bounds: [[UInt8]] = []
    private(set) var newest: [SequenceNumber] = []

    init() {}

    /// Merges both in the order of their bounds.
    init(merging older: RangeRun, _ newer: RangeRun) {
      reserve(older.bounds.count + newer.bounds.count)
      var (old, new) = (0, 0)
      while old < older.bounds.count || new < newer.bounds.count {
        let order = Self.order(older, old, newer, new)
        let bound = order <= 0 ? older.bounds[old] : newer.bounds[new]
        if order <= 0 { old += 1 }
        if order >= 0 { new += 1 }
        let top = new == 0 ? 0 : newer.newest[new - 1]
        append(bound, top != 0 || old == 0 ? top : older.newest[old - 1])
      }
    }

    private static func order(
      _ older: RangeRun, _ old: Int, _ newer: RangeRun, _ new: Int
    ) -> Int {
      if old == older.bounds.count { return 1 }
      if new == newer.bounds.count { return -1 }
      return older.bounds[old].withBytes { bound in
        newer.bounds[new].withBytes { bound.compare(to: $0) }
      }
    }

    var isEmpty: Bool { bounds.isEmpty }

    mutating func reserve(_ count: Int) {
      bounds.reserveCapacity(count)
      newest.reserveCapacity(count)
    }

    mutating func append(_ bound: [UInt8], _ sequence: SequenceNumber) {
      if sequence == newest.last ?? 0 { return }
      bounds.append(bound)
      newest.append(sequence)
    }
  }
}
