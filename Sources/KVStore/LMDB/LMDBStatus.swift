import Base
import CLMDB
import Glibc
import TxnWAL

/// The only table from LMDB's return codes to `StoreError`. LMDB's own codes are negative; positive ones are
/// `errno` values.
enum LMDBStatus {
  /// The error for a status other than success. A code that is not in the table is kept as it is.
  static func error(_ code: Int32, operation: String, path: String) -> StoreError {
    switch code {
    case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_CURSOR_FULL, MDB_PAGE_FULL, MDB_INCOMPATIBLE,
      KVD_MDB_ASSERTED, KVD_MDB_ABANDONED:
      .corrupted(Finding(file: path, expected: "a valid page tree", found: text(code)))
    case MDB_INVALID:
      .corrupted(Finding(file: path, offset: 0, expected: "an LMDB file", found: text(code)))
    case MDB_VERSION_MISMATCH:
      .unsupportedFormat(path: path, found: text(code), supported: "LMDB data version 1")
    case MDB_PANIC:
      .poisoned(because: "LMDB could not write a meta page of \(path)")
    case 1...:
      Files.error(code, operation, path)
    default:
      // MDB_MAP_FULL, MDB_READERS_FULL, MDB_TXN_FULL, MDB_BAD_TXN and whatever later versions add.
      .lmdb(code: code, operation: operation, path: path)
    }
  }

  /// Whether a status proves that what LMDB believes to have written may not be on disk.
  ///
  /// After a failed `fdatasync` LMDB aborts the transaction and would continue with the next, although the
  /// kernel may have dropped the dirty pages. kvd does not continue.
  static func poisons(_ code: Int32) -> Bool {
    code == EIO || code == MDB_PANIC
  }

  static func text(_ code: Int32) -> String {
    if code == KVD_MDB_ASSERTED { return "a page that fails an LMDB assertion" }
    if code == KVD_MDB_ABANDONED { return "a page that fails an LMDB assertion when modified" }
    // Never nil: LMDB falls back to strerror, which makes up a text for unknown codes.
    return unsafe mdb_strerror(code).map { unsafe String(cString: $0) } ?? "unknown status"
  }
}

extension StoreError {
  /// The map is too small for the write. The transaction has ended: call `LMDBEnvironment.growMap()`, then
  /// retry in a new one.
  var isMapFull: Bool {
    if case .lmdb(code: MDB_MAP_FULL, operation: _, path: _) = self { true } else { false }
  }

  /// All reader slots are taken: clear stale ones, or close some readers.
  var isReadersFull: Bool {
    if case .lmdb(code: MDB_READERS_FULL, operation: _, path: _) = self { true } else { false }
  }
}
