import CLMDB

/// LMDB's calls on one transaction, shared by read and write transactions. They take stored keys, and return
/// LMDB's statuses unchanged.
@safe
struct RawTransaction {
  let handle: OpaquePointer

  /// The bytes lie in the map, or in a dirty page, and are valid until the transaction ends or writes. Empty
  /// if the status is not success.
  @inline(__always)
  func get(_ database: MDB_dbi, _ key: RawSpan) -> (status: Int32, UnsafeRawBufferPointer) {
    var value = unsafe MDB_val()
    let status = unsafe MDB_val.with(key) { key in
      unsafe kvd_mdb_get(handle, database, &key, &value)
    }
    guard status == MDB_SUCCESS else { return unsafe (status, .init(start: nil, count: 0)) }
    return unsafe (status, .init(start: value.mv_data, count: value.mv_size))
  }

  func put(_ database: MDB_dbi, _ key: RawSpan, _ value: RawSpan) -> Int32 {
    unsafe MDB_val.with(value) { value in
      unsafe MDB_val.with(key) { key in unsafe kvd_mdb_put(handle, database, &key, &value, 0) }
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
    let status = unsafe MDB_val.with(key) { key in
      unsafe kvd_mdb_cursor_put(cursor, &key, &value, UInt32(MDB_RESERVE))
    }
    guard status == MDB_SUCCESS else { return unsafe (status, .init(start: nil, count: 0)) }
    return unsafe (status, .init(start: value.mv_data, count: byteCount))
  }

  func delete(_ database: MDB_dbi, _ key: RawSpan) -> Int32 {
    unsafe MDB_val.with(key) { key in unsafe kvd_mdb_del(handle, database, &key) }
  }
}

extension MDB_val {
  /// Lends `bytes` to LMDB, which only reads what `mv_data` points at.
  @inline(__always)
  static func with<R>(_ bytes: RawSpan, _ body: (inout MDB_val) -> R) -> R {
    unsafe bytes.withUnsafeBytes { buffer in
      var value = unsafe MDB_val(
        mv_size: buffer.count, mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress))
      return unsafe body(&value)
    }
  }
}
