import CLMDB

/// The form of a key in LMDB: one keyspace byte, then the key's own bytes.
///
/// LMDB refuses empty keys, which users may have; and keyspaces other than 0 are reserved for later kinds of
/// entries. LMDB compares keys as unsigned bytes; a prefix comes before longer keys.
enum StoredKey {
  /// The keyspace of all current entries.
  static let plain: UInt8 = 0

  /// LMDB's limit, compiled into Debian's library (`mdb_env_get_maxkeysize`).
  static let byteLimit = 511

  /// How many bytes of a range's bound to seek with. A bound may be longer than any key; cut to one byte more
  /// than the longest key, it still lies between the same two keys.
  static func seekByteCount(of bound: RawSpan) -> Int {
    min(bound.byteCount, Limits.internalKeyByteCount + 1)
  }

  /// Calls `body` with LMDB's form of `key`, which is on the stack and valid only during the call.
  ///
  /// `key` must have at most `byteLimit - 1` bytes.
  @inline(__always)
  static func with<Result>(
    _ key: RawSpan, in keyspace: UInt8 = plain, _ body: (inout MDB_val) -> Result
  ) -> Result {
    precondition(key.byteCount < byteLimit)
    return unsafe withUnsafeTemporaryAllocation(byteCount: byteLimit, alignment: 8) { buffer in
      unsafe buffer[0] = keyspace
      unsafe key.withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[1...]).copyMemory(from: source)
      }
      var value = unsafe MDB_val(mv_size: key.byteCount + 1, mv_data: buffer.baseAddress)
      return unsafe body(&value)
    }
  }

  /// - Throws: `.keyTooLong`.
  @inline(__always)
  static func check(_ key: RawSpan) throws(StoreError) {
    guard key.byteCount <= Limits.internalKeyByteCount else {
      throw .keyTooLong(byteCount: key.byteCount, limit: Limits.internalKeyByteCount)
    }
  }
}
