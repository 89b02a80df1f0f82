import Base
import KVData
import KVStore

/// Where a page begins, given the cursor that a client has sent.
enum CursorLookup {
  /// The first key or field of the page, or nil for the beginning.
  ///
  /// A cursor is no longer kept after a restart, or if there were too many others. It is then searched for
  /// among the existing keys or fields, which `walk` lends in order. The search takes a while, so it runs as a
  /// long read; `.walkStopped` is thrown to make it one. If nothing is found, the key was deleted or never
  /// existed: the iteration starts over, which returns some keys twice and leaves none out. In a transaction or
  /// a script it starts over without a search, because all writers would wait for one. Only one search runs at
  /// a time (`ReadQueue`), because a made-up number costs as much.
  static func position(
    of cursor: UInt64, in scope: ScanCursors.Scope, _ call: inout Call,
    _ walk: ((RawSpan) -> Bool) throws(StoreError) -> Void
  ) throws(StoreError) -> [UInt8]? {
    if cursor == 0 { return nil }
    if let kept = call.server.cursors.position(of: cursor, in: scope) { return kept }
    if call.isExecuting || call.isInScript { return nil }
    guard call.isLongRead else {
      call.isResuming = true
      throw .walkStopped
    }
    var found: [UInt8]?
    try walk { position in
      guard scope.cursor(of: position) == cursor else { return true }
      found = [UInt8](copying: position)
      return false
    }
    return found
  }
}
