import Base

/// A node in an ordered run, with the first bytes of its key inline. Most comparisons need no more.
struct OrderedEntry: BitwiseCopyable {
  /// Eight bytes of the key, as returned by `KeyNode.window(at:)`; those at depth 0 once the run is sorted.
  var window: UInt64
  var word: UInt

  init(_ node: KeyNode, at depth: Int = 0) {
    window = node.window(at: depth)
    word = node.word
  }

  var node: KeyNode { KeyNode(at: word) }

  @inline(__always)
  static func < (left: OrderedEntry, right: OrderedEntry) -> Bool {
    if left.window != right.window { return left.window < right.window }
    return right.node.withStoredKey { left.node.isBefore($0) }
  }
}

/// The nodes of one stretch of the insertion order, sorted by key. Immutable.
///
/// Sound as `@unchecked Sendable`: nothing writes to its memory after `init`.
@safe final class SortedRun: @unchecked Sendable {
  /// Where the stretch begins in the insertion order.
  let start: NodeList.Position
  let end: NodeList.Position
  let count: Int
  private let entries: UnsafeMutablePointer<OrderedEntry>

  /// Runs of at least this size are mapped from the system, so that their memory returns to it. Mapping
  /// smaller ones would waste pages.
  private static let mappedByteCount = 64 << 10

  /// Sorts `count` nodes from `start` on. O(n) expected; see `KeySorter`.
  init(of list: NodeList, from start: NodeList.Position, count: Int) {
    self.start = start
    self.count = count
    let byteCount = count * MemoryLayout<OrderedEntry>.stride
    if byteCount >= Self.mappedByteCount {
      let memory = unsafe SystemPages.map(byteCount: byteCount)
      unsafe entries = memory.bindMemory(to: OrderedEntry.self, capacity: count)
    } else {
      unsafe entries = .allocate(capacity: count)
    }
    let entries = unsafe entries
    var filled = 0
    end = list.forEach(from: start, count: count) { node in
      unsafe (entries + filled).initialize(to: OrderedEntry(node))
      filled += 1
    }
    var span = unsafe UnsafeMutableBufferPointer(start: entries, count: count).mutableSpan
    KeySorter.sort(&span)
  }

  deinit {
    if byteCount >= Self.mappedByteCount {
      unsafe SystemPages.unmap(entries, byteCount: byteCount)
    } else {
      unsafe entries.deallocate()
    }
  }

  var byteCount: Int { count * MemoryLayout<OrderedEntry>.stride }

  /// The entries, valid as long as the run.
  @inline(__always)
  var view: OrderedEntries { unsafe OrderedEntries(at: entries, count: count) }
}

/// The entries of an ordered run, borrowed: the holder must also hold the run. A plain value, so that a
/// cursor uses it without reference counting.
@safe struct OrderedEntries: BitwiseCopyable {
  let count: Int
  private let entries: UnsafeMutablePointer<OrderedEntry>

  fileprivate init(at entries: UnsafeMutablePointer<OrderedEntry>, count: Int) {
    unsafe self.entries = entries
    self.count = count
  }

  @inline(__always)
  subscript(index: Int) -> OrderedEntry {
    precondition(index >= 0 && index < count)
    return unsafe entries[index]
  }

  /// Prefetches the node at `index`, if there is one.
  @inline(__always)
  func fetch(_ index: Int) {
    if index < count { unsafe entries[index].node.fetch() }
  }

  /// Prefetches the newest version of the node at `index`, if there is one. The node should have been
  /// prefetched before.
  @inline(__always)
  func fetchVersion(_ index: Int) {
    if index < count { unsafe entries[index].node.fetchVersion() }
  }

  /// The number of keys in the run that come before the stored key `key`. O(log n).
  func count(before key: RawSpan) -> Int {
    let window = KeyNode.window(of: key)
    var lower = 0
    var upper = count
    while lower < upper {
      let middle = (lower + upper) / 2
      let entry = self[middle]
      let isBefore =
        entry.window == window ? entry.node.isBefore(key) : entry.window < window
      if isBefore { lower = middle + 1 } else { upper = middle }
    }
    return lower
  }
}
