import Base
import KVData
import KVStore

/// Where a page begins, by the cursor that a client has sent.
enum ScanResumption {
  /// The first key or field of the page, or nil for the beginning.
  ///
  /// A cursor that is not kept any more, because the server was restarted or there were too many others, is looked for
  /// among what is there: `walk` lends it in order. That takes a while, and happens on a thread of its own. Where it is
  /// not found, its key was deleted or it never was one: then the iteration begins again, which returns some keys a
  /// second time and leaves none out. So it does in a transaction or a script, where all writers would wait for a walk.
  /// Such walks are made one after another (`ReadQueue`): a number that is made up costs as much.
  static func position(
    of cursor: UInt64, in scope: ScanCursors.Scope, _ call: inout Call,
    _ walk: ((RawSpan) -> Bool) throws(StoreError) -> Void
  ) throws(StoreError) -> [UInt8]? {
    if cursor == 0 { return nil }
    if let kept = call.server.cursors.position(of: cursor, in: scope) { return kept }
    if call.isExecuting || call.isInScript { return nil }
    guard call.isOnThreadOfItsOwn else {
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
