import CLMDB

/// A position among the entries of one keyspace, in the key order of one view: in the map, or with LMDB's cursor if the map's address is unknown.
///
/// A page that is not as LMDB writes it is an error. LMDB is not asked about it, because its cursors trust
/// what a node contains.
///
/// The caller makes the steps within a leaf itself: it takes `leaf`, and passes it back to move on from
/// there. The view must last as long as its leaves are used.
struct FileWalk {
  private let environment: LMDBEnvironment
  private let keyspace: Keyspace
  private var walk: MappedWalk?
  private var cursor: CursorBox?
  /// Where the last move ended in the map.
  private(set) var leaf: MappedLeaf?

  /// A class, because an LMDB cursor can be moved but not copied.
  private final class CursorBox {
    var cursor: Cursor

    init(_ cursor: consuming Cursor) { self.cursor = cursor }
  }

  init(_ reader: ReadTransaction, in keyspace: Keyspace) throws(StoreError) {
    environment = reader.environment
    self.keyspace = keyspace
    if reader.hasFailed { throw environment.failedView }
    walk = reader.mappedTree.map { MappedWalk($0) }
    if walk == nil { cursor = CursorBox(try reader.makeCursor()) }
  }

  /// Moves to the first entry whose stored key is not below `bound`; false if the keyspace has none.
  mutating func seek(_ bound: RawSpan) throws(StoreError) -> Bool {
    if let cursor { return try settle(cursor, cursor.cursor.seek(bound)) }
    return try enter(walk?.seek(EntryAddress(storedAs: bound), .forward))
  }

  /// Moves to the last entry whose stored key is below `bound`; false if the keyspace has none.
  mutating func seekBackward(_ bound: RawSpan) throws(StoreError) -> Bool {
    if let cursor { return try settle(cursor, cursor.cursor.seekBackward(bound)) }
    return try enter(walk?.seek(EntryAddress(storedAs: bound), .backward))
  }

  /// Moves to the entry next to the one at `leaf`, or next to the LMDB cursor's entry if a cursor is used.
  mutating func move(from leaf: MappedLeaf?, backward: Bool) throws(StoreError) -> Bool {
    if let cursor {
      return try settle(cursor, backward ? cursor.cursor.previous() : cursor.cursor.next())
    }
    guard var leaf else { return false }
    let direction = backward ? MappedLeaf.Direction.backward : .forward
    switch leaf.step(direction) {
    case .entry: return try enter(.entry(leaf))
    case .edge: return try enter(walk?.turn(direction))
    case .otherKeyspace: return try enter(.end)
    case .unusual: return try enter(.unusual)
    }
  }

  /// Lends the entry of LMDB's cursor. Must only be called if a cursor is used.
  func withCursorEntry<R>(
    _ body: (_ key: RawSpan, _ stored: RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    guard let cursor else { preconditionFailure("no LMDB cursor is in use") }
    try cursor.cursor.checkView()
    return try cursor.cursor.withEntry { storedKey, stored throws(StoreError) in
      try body(EntryAddress(storedAs: storedKey).key, stored)
    }
  }

  private func settle(_ cursor: CursorBox, _ isEntry: Bool) -> Bool {
    isEntry
      && cursor.cursor.withEntry { key, _ in EntryAddress(storedAs: key).keyspace == keyspace }
  }

  private mutating func enter(_ outcome: MappedWalk.Outcome?) throws(StoreError) -> Bool {
    leaf = nil
    switch outcome {
    case .entry(let found):
      if found.entry.keyspace != keyspace { return false }
      leaf = found
      return true
    case .end: return false
    case .unusual, nil: throw environment.failure(MDB_CORRUPTED, "read")
    }
  }
}
