/// Sorts nodes by key.
///
/// Keys are compared eight bytes at a time. Each entry carries eight bytes of its key, its window, so that
/// windows are sorted as numbers without touching the nodes: by an in-place radix sort from the most
/// significant byte. Entries with equal windows then take the next eight bytes of their keys and are sorted
/// among themselves. Keys with a common prefix (`user:00000001`, …) cost one more window each, rather than a
/// comparison of whole keys at every step. O(total bytes of the keys), and close to O(n) in most cases.
enum KeySorter {
  /// Up to this many entries, insertion sort is faster than counting bytes.
  private static let insertionCount = 24

  /// Sorts entries with distinct keys, whose windows are those at depth 0.
  static func sort(_ entries: inout MutableSpan<OrderedEntry>) {
    sort(&entries, 0..<entries.count, at: 0)
  }

  /// Sorts a range in which all keys are equal up to `depth`. Each entry keeps its window.
  private static func sort(
    _ entries: inout MutableSpan<OrderedEntry>, _ range: Range<Int>, at depth: Int
  ) {
    guard range.count > 1 else { return }
    let first = entries[range.lowerBound].window
    var difference: UInt64 = 0
    for index in range { difference |= entries[index].window ^ first }
    if difference != 0 {
      let shift = UInt64(56 - difference.leadingZeroBitCount / 8 * 8)
      sortWindows(&entries, range, shift: shift)
    }
    var index = range.lowerBound
    while index < range.upperBound {
      let window = entries[index].window
      var end = index + 1
      while end < range.upperBound, entries[end].window == window { end += 1 }
      if end - index > 1 {
        sortEqualWindows(&entries, index..<end, at: depth)
        for restored in index..<end { entries[restored].window = window }
      }
      index = end
    }
  }

  /// Sorts entries whose keys are equal up to `depth` and have equal windows there.
  ///
  /// Keys that end within the window differ only in how many zero bytes they end with, and each is a prefix
  /// of all longer ones. They come first, ordered by length.
  private static func sortEqualWindows(
    _ entries: inout MutableSpan<OrderedEntry>, _ range: Range<Int>, at depth: Int
  ) {
    var endedCount = 0
    for index in range {
      let node = entries[index].node
      let byteCount = node.storedKeyByteCount
      entries[index].window = node.window(at: depth + 8)
      guard byteCount <= depth + 8 else { continue }
      var place = range.lowerBound + endedCount
      entries.swapAt(place, index)
      while place > range.lowerBound, byteCount < entries[place - 1].node.storedKeyByteCount {
        entries.swapAt(place - 1, place)
        place -= 1
      }
      endedCount += 1
    }
    sort(&entries, range.lowerBound + endedCount..<range.upperBound, at: depth + 8)
  }

  /// Sorts by the byte at `shift` and the bytes below it.
  private static func sortWindows(
    _ entries: inout MutableSpan<OrderedEntry>, _ range: Range<Int>, shift: UInt64
  ) {
    if range.count <= insertionCount {
      insertWindows(&entries, range)
      return
    }
    // For each byte value: where its next entry goes, and where its entries end.
    var heads = [256 of Int](repeating: 0)
    var ends = [256 of Int](repeating: 0)
    for index in range { ends[byte(of: entries[index], at: shift)] &+= 1 }
    var total = range.lowerBound
    for value in 0..<256 {
      heads[value] = total
      total &+= ends[value]
      ends[value] = total
    }
    for value in 0..<256 {
      while heads[value] < ends[value] {
        // Follows a cycle of misplaced entries until it reaches one that belongs here.
        var entry = entries[heads[value]]
        var home = byte(of: entry, at: shift)
        while home != value {
          let displaced = entries[heads[home]]
          entries[heads[home]] = entry
          heads[home] &+= 1
          entry = displaced
          home = byte(of: entry, at: shift)
        }
        entries[heads[value]] = entry
        heads[value] &+= 1
      }
    }
    guard shift > 0 else { return }
    var lower = range.lowerBound
    for value in 0..<256 {
      let upper = ends[value]
      if upper - lower > 1 { sortWindows(&entries, lower..<upper, shift: shift - 8) }
      lower = upper
    }
  }

  @inline(__always)
  private static func byte(of entry: OrderedEntry, at shift: UInt64) -> Int {
    Int(truncatingIfNeeded: (entry.window >> shift) & 0xFF)
  }

  private static func insertWindows(
    _ entries: inout MutableSpan<OrderedEntry>, _ range: Range<Int>
  ) {
    for index in range.dropFirst() {
      let entry = entries[index]
      var place = index
      while place > range.lowerBound, entry.window < entries[place - 1].window {
        entries[place] = entries[place - 1]
        place -= 1
      }
      entries[place] = entry
    }
  }
}
