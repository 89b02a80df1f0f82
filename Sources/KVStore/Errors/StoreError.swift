import Base
import Glibc
import TxnWAL

/// What can go wrong with a store, grouped by what the caller can do about it.
public enum StoreError: Error, Sendable, Equatable {
  // The caller asked for too much: reduce it.
  case keyTooLong(byteCount: Int, limit: Int)
  case valueTooLarge(byteCount: Int, limit: Int)
  case batchTooLarge(byteCount: Int, limit: Int)
  /// `limit` is the number of key ranges that one batch may delete, which depends on the number of partitions.
  case tooManyRangeDeletes(limit: Int)

  /// Too many range deletes wait to be carried out, so this one must wait. Nothing was written. Retry after
  /// an observer is notified; `Store.commit` and other calls that may wait do so themselves.
  case rangeDeletesPending

  /// The key holds a value of a type other than bytes.
  case wrongType

  /// The batch's precondition at this index did not hold. Nothing was written.
  case preconditionFailed(index: Int)

  /// The closure of an evaluation gave up. Nothing was written.
  case abandoned

  /// Memory or the log has no room at present for what an evaluation wrote. Nothing was written. Admit
  /// `byteCount`, which was measured, and evaluate again.
  case noRoom(byteCount: Int)

  /// The task was cancelled while its batch waited for room, or the batch is no longer wanted. Nothing was written.
  case cancelled

  // The machine: free space, or check the disk.
  case diskFull(IOError)
  case io(IOError)

  /// Writes are refused until the store is reopened, because a write or sync failed.
  case poisoned(because: String)

  /// Writes are refused because a hold on the log keeps as much of it as it may, or a hold or cursor of the log
  /// cannot be used. Nothing was written.
  case logHeld(because: String)

  /// There is no store in the directory.
  case noStore(path: String, found: String)

  // The files: nothing was changed, and nothing will be until a person has checked them.
  case corrupted(Finding)
  case unsupportedFormat(path: String, found: String, supported: String)

  /// Another process, or another `Store` of this one, has the directory open.
  case locked(path: String, holder: String)

  /// One partition accepts no more writes, because its file was found damaged. Reads and all other partitions
  /// continue.
  case readOnly(path: String, because: String)

  /// Every reader slot of a partition's file is taken by a live reader.
  case readersFull(path: String, limit: Int)

  /// The snapshot was open longer than the store's options allow.
  case snapshotTooOld(limitSeconds: Int)

  /// A walk reached its limit, or is no longer wanted; see `ScanBudget`.
  case walkStopped

  /// An LMDB status without a case of its own.
  case lmdb(code: Int32, operation: String, path: String)

  case invalidOption(String)
  case closed
}

extension StoreError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .keyTooLong(let byteCount, let limit):
      "key of \(byteCount) bytes is too long: use at most \(limit) bytes"
    case .valueTooLarge(let byteCount, let limit):
      "value of \(byteCount) bytes is too large: use at most \(limit) bytes, or split it"
    case .batchTooLarge(let byteCount, let limit):
      "batch of \(byteCount) bytes is too large: use at most \(limit) bytes, or split it"
    case .tooManyRangeDeletes(let limit):
      "batch deletes more than \(limit) ranges of keys, or more than \(Limits.tombstonesPerBatch) "
        + "large hashes and sets: split it"
    case .rangeDeletesPending:
      "too many range deletes are pending: nothing was written; retry later"
    case .wrongType:
      "the key holds a value of another type: use an operation for that type"
    case .preconditionFailed(let index):
      "precondition \(index) of the batch failed: nothing was written; read again and retry"
    case .abandoned:
      "the batch was abandoned: nothing was written"
    case .noRoom(let byteCount):
      "not enough memory or log space for \(byteCount) more bytes: nothing was written; retry later"
    case .cancelled:
      "the batch was cancelled while waiting for memory or log space: nothing was written"
    case .diskFull(let error):
      error.lacksInodes
        ? "no inodes left for \(error.path), although there is free space: remove files from that file "
          + "system, then retry; no acknowledged write is lost"
        : "no space left for \(error.path): free space on that file system, then retry; no acknowledged "
          + "write is lost"
    case .io(let error): "\(error)\(Self.advice(forErrno: error.errno))"
    case .poisoned(let because):
      "writes are refused after an error: \(because); check the disk, then restart kvd (reopen the store)"
    case .logHeld(let because): because
    case .noStore(let path, let found):
      "there is no store at \(path): \(found); check the path (--data), or create a store with `kvd serve`"
    case .corrupted(let finding):
      "corrupted: \(finding); do not change the file; run `kvd check` or restore a backup"
    case .unsupportedFormat(let path, let found, let supported):
      "\(path) has an unsupported format (\(found)): this build reads \(supported); use a "
        + "build that supports it, or copy the data from there (docs/operations.md, \"Formats\")"
    case .locked(let path, let holder):
      "\(path) is in use by \(holder): stop it first, or use another directory"
    case .readOnly(let path, let because):
      "\(path) accepts no more writes because it is damaged (\(because)): nothing was written; "
        + "run `kvd check`, then `kvd recover --salvage` or restore a backup"
    case .readersFull(let path, let limit):
      "all \(limit) reader slots of \(path) are in use: close snapshots and readers, then retry"
    case .snapshotTooOld(let seconds):
      "the snapshot was closed because it was open for more than \(seconds) seconds: take a new one, "
        + "or raise the limit"
    case .walkStopped:
      "the scan was stopped before it was complete: retry"
    case .lmdb(let code, let operation, let path):
      "LMDB could not \(operation) \(path): \(LMDBStatus.text(code)) (code \(code))"
    case .invalidOption(let reason):
      "invalid option: \(reason)"
    case .closed:
      "the store is closed: reopen it"
    }
  }

  private static func advice(forErrno code: Int32) -> String {
    switch code {
    case EROFS: ": the file system is mounted read-only; remount it for writing"
    case EACCES, EPERM: ": grant this user read and write permission there"
    case ENOENT: ": check the path"
    case ENOTDIR: ": it is not a directory; check the path"
    case ELOOP:
      ": it is a symbolic link; kvd does not follow links to a store's files or, as root, to directories of users "
        + "other than the store's owner; replace the link with the file or directory itself"
    case EMLINK:
      ": it is a hard link to another user's file; remove the link and put the store's own file there"
    case ENXIO: ": it is not a regular file; remove it"
    case EEXIST: ": nothing was overwritten; use another path, or move away what is there"
    case EMFILE, ENFILE: ": raise the limit on open files (ulimit -n)"
    case EIO: ": the disk reported an error; check it before continuing"
    case ENOMEM: ": out of memory or address space (ulimit -v)"
    default: ""
    }
  }
}

extension StoreError: IOFailure {
  /// Translates an I/O error: a full disk has a case of its own.
  public init(_ error: IOError) { self = error.isDiskFull ? .diskFull(error) : .io(error) }
}

extension StoreError {
  /// Whether an evaluation may have failed with this error because of what it read, which may not be durable yet.
  var mayRevealReads: Bool {
    switch self {
    case .valueTooLarge, .batchTooLarge, .tooManyRangeDeletes, .wrongType, .preconditionFailed,
      .abandoned:
      true
    case .keyTooLong, .rangeDeletesPending, .noRoom, .cancelled, .diskFull, .io,
      .poisoned, .logHeld, .noStore, .corrupted, .unsupportedFormat, .locked, .readOnly,
      .readersFull, .snapshotTooOld, .walkStopped, .lmdb, .invalidOption, .closed:
      false
    }
  }

  /// Whether the error is about one value that fails verification, and not about a page or a file. If a read
  /// throws `.corrupted` and this is false, it met a damaged page; the partition then accepts no more writes.
  package var isDamagedValue: Bool {
    switch self {
    case .corrupted(let finding): finding.key != nil
    case .unsupportedFormat: true
    default: false
    }
  }

  /// Whether damage prevents a partition, or one value in it, from being read or written. A retry fails the same way.
  package var isDamage: Bool {
    switch self {
    case .corrupted, .unsupportedFormat, .readOnly: true
    default: false
    }
  }
}
