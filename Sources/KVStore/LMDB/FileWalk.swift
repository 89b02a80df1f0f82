import CLMDB

/// A place in the order of the keys of one view: in the map, or with LMDB's cursor where LMDB has not told
/// where its map is.
///
/// A page that is not as LMDB writes it is an error. LMDB is not asked about it: its cursors believe what
/// stands in a node.
///
/// The steps within a leaf are the caller's: it takes `leaf`, and gives it back to move on from there. The
/// view must last as long as leaves are used.
struct FileWalk {
  private let environment: LMDBEnvironment
  private var walk: MappedWalk?
  private var cursor: CursorBox?
  /// Where the last move led to in the map.
  private(set) var leaf: MappedLeaf?

  /// A class, because an LMDB cursor can be moved but not copied.
  private final class CursorBox {
    var cursor: Cursor

    init(_ cursor: consuming Cursor) { self.cursor = cursor }
  }

  init(_ reader: ReadTransaction) throws(StoreError) {
    environment = reader.environment
    if reader.hasFailed { throw environment.failedView }
    walk = reader.mappedTree.map { MappedWalk($0) }
    if walk == nil { cursor = CursorBox(try reader.makeCursor()) }
  }

  /// Goes to the first entry whose key is not below `bound`; false where there is none.
  mutating func seek(_ bound: RawSpan) throws(StoreError) -> Bool {
    if let cursor { return try cursor.cursor.seek(bound) }
    return try enter(walk?.seek(bound, .forward))
  }

  /// Goes to the last entry whose key is below `bound`, or to the last of all.
  mutating func seekBackward(_ bound: RawSpan?) throws(StoreError) -> Bool {
    guard let bound else {
      if let cursor { return try cursor.cursor.last() }
      return try enter(walk?.last())
    }
    if let cursor { return try cursor.cursor.seekBackward(bound) }
    return try enter(walk?.seek(bound, .backward))
  }

  /// Goes to the entry next to the one at `leaf`, or to LMDB's cursor's where that is nil.
  mutating func move(from leaf: MappedLeaf?, backward: Bool) throws(StoreError) -> Bool {
    if let cursor { return try backward ? cursor.cursor.previous() : cursor.cursor.next() }
    guard var leaf else { return false }
    let direction = backward ? MappedLeaf.Direction.backward : .forward
    switch leaf.step(direction) {
    case .entry: return try enter(.entry(leaf))
    case .edge: return try enter(walk?.turn(direction))
    case .unusual: return try enter(.unusual)
    }
  }

  /// Lends the entry of LMDB's cursor, where it is used.
  func withCursorEntry<R>(
    _ body: (_ key: RawSpan, _ stored: RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    guard let cursor else { preconditionFailure("The entry is in the map.") }
    try cursor.cursor.checkView()
    return try cursor.cursor.withEntry(body)
  }

  private mutating func enter(_ outcome: MappedWalk.Outcome?) throws(StoreError) -> Bool {
    leaf = nil
    switch outcome {
    case .entry(let found):
      leaf = found
      return true
    case .end: return false
    case .unusual, nil: throw environment.failure(MDB_CORRUPTED, "read")
    }
  }
}
