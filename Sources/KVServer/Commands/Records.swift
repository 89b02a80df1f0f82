import KVStore

/// The seam through which commands write keys: each overwrite and each removal of a key passes here.
///
///     replace   whatever the key held goes, with all that belongs to it; the key becomes a string
///     rewrite   a string that this evaluation has read becomes another; nothing belongs to a string
///     remove    whatever the key held goes, with all that belongs to it
///
/// An expiry is in milliseconds since 1970; 0 is never. Who has read the entry that goes tells its expiry
/// too, so that its place in the index of expiries is given up; else it stays there until its time.
enum Records {
  @inline(__always)
  static func replace(
    _ key: RawSpan, with value: RawSpan, expiry: UInt64 = 0, replacing oldExpiry: UInt64 = 0,
    in evaluation: inout Evaluation
  ) throws(StoreError) {
    try release(key, in: &evaluation)
    try rewrite(key, with: value, expiry: expiry, replacing: oldExpiry, in: &evaluation)
  }

  @inline(__always)
  static func rewrite(
    _ key: RawSpan, with value: RawSpan, expiry: UInt64, replacing oldExpiry: UInt64,
    in evaluation: inout Evaluation
  ) throws(StoreError) {
    if expiry | oldExpiry == 0 { return try evaluation.put(key, value) }
    try evaluation.put(key, value, type: 0, expiry: expiry, replacing: oldExpiry)
  }

  /// The same with the expiry that the string had.
  @inline(__always)
  static func rewrite(
    _ key: RawSpan, with value: RawSpan, keeping expiry: UInt64, in evaluation: inout Evaluation
  ) throws(StoreError) {
    try rewrite(key, with: value, expiry: expiry, replacing: expiry, in: &evaluation)
  }

  /// Returns whether the key was there; where it was not nothing is written.
  @discardableResult
  static func remove(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    guard let old = try evaluation.withStoredEntry(of: key, { info, _ in info }) else {
      return false
    }
    try release(key, in: &evaluation)
    try evaluation.delete(key, replacing: old.expiry)
    return old.expiry == 0 || old.expiry > evaluation.now
  }

  /// Removes the key without reading it, if it is there.
  static func removeUnread(_ key: RawSpan, in evaluation: inout Evaluation) throws(StoreError) {
    try release(key, in: &evaluation)
    try evaluation.delete(key)
  }

  /// Frees what belongs to the entry at `key` and is stored elsewhere: strings have nothing like it.
  @inline(__always)
  private static func release(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {}

  /// Lends the string at `key`, nil where there is none, and its expiry.
  @inline(__always)
  static func withString<R>(
    at key: RawSpan, in evaluation: inout Evaluation,
    _ body: (RawSpan?, _ expiry: UInt64) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try evaluation.withEntry(of: key) { (info, value) throws(StoreError) in
      guard let info else { return try body(nil, 0) }
      guard info.type == 0 else { throw .wrongType }
      return try body(value, info.expiry)
    }
  }
}
