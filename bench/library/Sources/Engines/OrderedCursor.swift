/// A cursor over one of several ordered parts of a peer's store.
protocol OrderedCursor: AnyObject {
  func isAtEntry() throws -> Bool
  func advance() throws
  /// Good until the next `advance`.
  var key: UnsafeRawBufferPointer { get }
  var value: UnsafeRawBufferPointer { get }
}

extension Engine {
  /// Lends the entries of all cursors in the order of keys, which are of eight bytes at least. Whoever
  /// keeps one peer's keys in several parts has to do this himself.
  func merge<C: OrderedCursor>(
    _ cursors: [C], _ body: (RawSpan, RawSpan) throws -> Void
  ) throws {
    if cursors.count == 1 {
      let cursor = cursors[0]
      while try cursor.isAtEntry() {
        try unsafe body(cursor.key.bytes, cursor.value.bytes)
        try cursor.advance()
      }
      return
    }
    var open: [(cursor: C, first: UInt64)] = []
    for cursor in cursors where try cursor.isAtEntry() {
      unsafe open.append((cursor, Self.order(unsafe cursor.key)))
    }
    while !open.isEmpty {
      var least = 0
      for place in 1..<open.count where open[place].first <= open[least].first {
        // Ties are rare: the first eight bytes are a hash.
        if open[place].first < open[least].first
          || (unsafe open[place].cursor.key.lexicographicallyPrecedes(open[least].cursor.key))
        {
          least = place
        }
      }
      let cursor = open[least].cursor
      try unsafe body(cursor.key.bytes, cursor.value.bytes)
      try cursor.advance()
      if try cursor.isAtEntry() {
        open[least].first = unsafe Self.order(unsafe cursor.key)
      } else {
        open.swapAt(least, open.count - 1)
        open.removeLast()
      }
    }
  }

  private static func order(_ key: UnsafeRawBufferPointer) -> UInt64 {
    unsafe key.bytes.word(at: 0).byteSwapped
  }
}
