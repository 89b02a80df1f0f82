import CLMDB

/// LMDB's calls on one transaction, shared by read and write transactions. They convert keys to LMDB's form
/// and return its statuses unchanged.
@safe
struct RawTransaction {
  let handle: OpaquePointer

  /// The bytes lie in the map, or in a dirty page, and are valid until the transaction ends or writes. Empty
  /// if the status is not success.
  @inline(__always)
  func get(_ database: MDB_dbi, _ key: RawSpan) -> (status: Int32, UnsafeRawBufferPointer) {
    var value = unsafe MDB_val()
    let status = unsafe StoredKey.with(key) { storedKey in
      unsafe kvd_mdb_get(handle, database, &storedKey, &value)
    }
    guard status == MDB_SUCCESS else { return unsafe (status, .init(start: nil, count: 0)) }
    return unsafe (status, .init(start: value.mv_data, count: value.mv_size))
  }

  func put(
    _ database: MDB_dbi, _ key: RawSpan, _ value: RawSpan, in keyspace: UInt8 = StoredKey.plain
  ) -> Int32 {
    unsafe value.withUnsafeBytes { bytes in
      // LMDB only reads what `mv_data` points at.
      var value = unsafe MDB_val(
        mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
      return unsafe StoredKey.with(key, in: keyspace) { storedKey in
        unsafe kvd_mdb_put(handle, database, &storedKey, &value, 0)
      }
    }
  }

  /// Reserves space for a value that the caller then writes. LMDB's rule: the space may be used only until
  /// the transaction's next write, and its contents are undefined.
  ///
  /// - Parameter cursor: searches its own leaf for the key before it searches the tree.
  static func reserve(with cursor: OpaquePointer, _ key: RawSpan, byteCount: Int)
    -> (status: Int32, UnsafeMutableRawBufferPointer)
  {
    var value = unsafe MDB_val(mv_size: byteCount, mv_data: nil)
    let status = unsafe StoredKey.with(key) { storedKey in
      unsafe kvd_mdb_cursor_put(cursor, &storedKey, &value, UInt32(MDB_RESERVE))
    }
    guard status == MDB_SUCCESS else { return unsafe (status, .init(start: nil, count: 0)) }
    return unsafe (status, .init(start: value.mv_data, count: byteCount))
  }

  func delete(_ database: MDB_dbi, _ key: RawSpan) -> Int32 {
    unsafe StoredKey.with(key) { storedKey in
      unsafe kvd_mdb_del(handle, database, &storedKey)
    }
  }
}
