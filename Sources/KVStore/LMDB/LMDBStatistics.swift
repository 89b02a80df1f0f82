import Base
import CLMDB

/// Statistics of a partition's file, for people.
struct LMDBStatistics: Sendable, Equatable {
  var fileByteCount = 0
  var mapByteCount = 0
  var pageByteCount = 0
  /// Pages up to the last one ever used, including free ones.
  var pageCount = 0
  /// Pages that the next write transactions can use, some only after the oldest reader has ended.
  var freePageCount = 0
  /// Entries in the file, of all keyspaces and including those under a range tombstone.
  var entryCount = 0
  var depth = 0
  /// The most reader slots ever used at the same time, and how many there are.
  var readerSlotsUsed = 0
  var readerSlots = 0
}

extension ReadTransaction {
  /// LMDB's own database of free pages. It has no name, but always this number.
  private static let freePages: MDB_dbi = 0

  /// O(1), except for the count of free pages: see `countFreePages`.
  func statistics(countsFreePages: Bool = true) throws(StoreError) -> LMDBStatistics {
    precondition(isActive)
    let info = unsafe environment.info
    let data = try status(of: environment.handle(of: .data))
    let file = try Files.open(environment.path, 0)
    return try LMDBStatistics(
      fileByteCount: Files.byteCount(of: file),
      mapByteCount: unsafe info.me_mapsize,
      pageByteCount: Int(data.ms_psize),
      pageCount: unsafe info.me_last_pgno + 1,
      freePageCount: countsFreePages ? countFreePages() : 0,
      entryCount: data.ms_entries,
      depth: Int(data.ms_depth),
      readerSlotsUsed: unsafe Int(info.me_numreaders),
      readerSlots: unsafe Int(info.me_maxreaders))
  }

  /// How many entries `database` holds. O(1).
  func entryCount(of database: Database = .data) throws(StoreError) -> Int {
    precondition(isActive)
    return try status(of: environment.handle(of: database)).ms_entries
  }

  private func status(of database: MDB_dbi) throws(StoreError) -> MDB_stat {
    var status = MDB_stat()
    let code = unsafe kvd_mdb_stat(handle, database, &status)
    guard code == MDB_SUCCESS else { throw environment.failure(code, "read") }
    return status
  }

}

extension WriteTransaction {
  /// How many entries the data database has at this point of the transaction. O(1).
  func entryCount() throws(StoreError) -> Int {
    var status = MDB_stat()
    let code = unsafe kvd_mdb_stat(raw!.handle, environment.handle(of: .data), &status)
    guard code == MDB_SUCCESS else { throw environment.failure(code, "read") }
    return status.ms_entries
  }
}

extension ReadTransaction {
  /// O(transactions whose freed pages are not reused yet); may read from the disk.
  func countFreePages() throws(StoreError) -> Int {
    precondition(isActive)
    var cursor: OpaquePointer?
    var code = unsafe kvd_mdb_cursor_open(handle, Self.freePages, &cursor)
    guard code == MDB_SUCCESS else { throw environment.failure(code, "read") }
    defer { unsafe mdb_cursor_close(cursor) }
    var key = unsafe MDB_val()
    var list = unsafe MDB_val()
    var count = 0
    while true {
      code = unsafe kvd_mdb_cursor_get(cursor, &key, &list, MDB_NEXT)
      guard code == MDB_SUCCESS else { break }
      // A list begins with its length.
      if unsafe list.mv_size >= MemoryLayout<Int>.size {
        count &+= unsafe list.mv_data.loadUnaligned(as: Int.self)
      }
    }
    guard code == MDB_NOTFOUND else { throw environment.failure(code, "read") }
    return count
  }
}
