import CLMDB

/// A position in the key order of one view: in the map, or with LMDB's cursor if the map's address is unknown.
///
/// A page that is not as LMDB writes it is an error. LMDB is not asked about it, because its cursors trust
/// what a node contains.
///
/// The caller makes the steps within a leaf itself: it takes `leaf`, and passes it back to move on from
/// there. The view must last as long as its leaves are used.
struct FileWalk {
  private let environment: LMDBEnvironment
  private var walk: MappedWalk?
  private var cursor: CursorBox?
  /// Where the last move ended in the map.
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

  /// Moves to the first entry whose key is not below `bound`; false if there is none.
  mutating func seek(_ bound: RawSpan) throws(StoreError) -> Bool {
    if let cursor { return try cursor.cursor.seek(bound) }
    return try enter(walk?.seek(bound, .forward))
  }

  /// Moves to the last entry whose key is below `bound`, or, if that is nil, to the last of all.
  mutating func seekBackward(_ bound: RawSpan?) throws(StoreError) -> Bool {
    guard let bound else {
      if let cursor { return try cursor.cursor.last() }
      return try enter(walk?.last())
    }
    if let cursor { return try cursor.cursor.seekBackward(bound) }
    return try enter(walk?.seek(bound, .backward))
  }

  /// Moves to the entry next to the one at `leaf`, or next to the LMDB cursor's entry if a cursor is used.
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

  /// Lends the entry of LMDB's cursor. Must only be called if a cursor is used.
  func withCursorEntry<R>(
    _ body: (_ key: RawSpan, _ stored: RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    guard let cursor else { preconditionFailure("no LMDB cursor is in use") }
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
