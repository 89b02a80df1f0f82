import KVStore

/// The seam through which commands write keys: each overwrite and each removal of a key passes here.
///
///     replace   whatever the key held goes, with all that hangs on it; the key becomes a string
///     rewrite   a string that this evaluation has read becomes another; nothing hangs on a string
///     remove    whatever the key held goes, with all that hangs on it
///
/// An expiry is in milliseconds since 1970; 0 is never.
enum Records {
  @inline(__always)
  static func replace(
    _ key: RawSpan, with value: RawSpan, expiry: UInt64 = 0, in evaluation: inout Evaluation
  ) throws(StoreError) {
    try release(key, in: &evaluation)
    try rewrite(key, with: value, expiry: expiry, in: &evaluation)
  }

  @inline(__always)
  static func rewrite(
    _ key: RawSpan, with value: RawSpan, expiry: UInt64, in evaluation: inout Evaluation
  ) throws(StoreError) {
    try evaluation.put(key, value)
  }

  @inline(__always)
  static func remove(_ key: RawSpan, in evaluation: inout Evaluation) throws(StoreError) {
    try release(key, in: &evaluation)
    try evaluation.delete(key)
  }

  /// Frees what belongs to the entry at `key` and is stored elsewhere: strings have nothing like it.
  @inline(__always)
  private static func release(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {}

  /// Lends the string at `key`, nil where there is none, and when it expires.
  @inline(__always)
  static func withString<R>(
    at key: RawSpan, in evaluation: inout Evaluation,
    _ body: (RawSpan?, _ expiry: UInt64) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try evaluation.withValue(of: key) { (value) throws(StoreError) in try body(value, 0) }
  }
}
