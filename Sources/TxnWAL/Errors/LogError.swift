import Base

/// Errors of the log, by what the caller can do about them.
public enum LogError: Error, Sendable, Equatable {
  /// A system call failed. No effect of the operation was acknowledged.
  case io(IOError)
  /// The file system is full. The operation may be retried once there is space.
  case diskFull(IOError)
  /// Data that was durable is damaged. Nothing was changed.
  case corrupted(Finding)
  /// An earlier write or sync failed. Writes are refused until the log is reopened. The outcome of operations that
  /// were in progress at the time is unknown.
  case poisoned(because: String)
  /// A file in another format, or in a version that this build does not support.
  case unsupportedFormat(path: String, found: String, supported: String)
  /// The transaction is larger than a record may be. Nothing was written.
  case recordTooLarge(byteCount: Int, limit: Int)
  /// The log is closed, or closing.
  case closed

  // Holds and cursors.

  /// A hold with the policy `.block` keeps more of the log than holds may. Nothing was written; appends succeed again
  /// once the hold is advanced or released.
  case logHeld(by: String, byteCount: Int, limit: Int)
  /// The hold no longer keeps the log. Release it, and start over from another copy of the data.
  case holdLost(name: String, because: HoldLoss)
  /// The log before `oldest` is gone. Start over from another copy of the data, or at `oldest`.
  case notKept(LSN, oldest: LSN)
  /// No batch begins at this position, or the log is not durable up to it. Use the end of a batch.
  case notABatch(LSN)
  /// A hold cannot be made or used under this name.
  case invalidHold(name: String, because: String)
}

extension LogError: CustomStringConvertible {
  /// What happened, to which file, and what to do next.
  public var description: String {
    switch self {
    case .io(let error): "\(error)"
    case .diskFull(let error):
      error.lacksInodes
        ? "no inodes left for \(error.path), although there is free space: remove files; writes then resume"
        : "no space left for \(error.path): free space on that file system; writes then resume"
    case .corrupted(let finding):
      "the log is damaged: \(finding)"
    case .poisoned(let reason):
      "the log refuses writes after an error: \(reason); reopen the store to recover"
    case .unsupportedFormat(let path, let found, let supported):
      "\(path) has an unsupported format (\(found)): this build reads \(supported)"
    case .recordTooLarge(let byteCount, let limit):
      "transaction of \(byteCount) bytes exceeds the limit of \(limit) bytes"
    case .closed:
      "the log is closed"
    case .logHeld(let name, let byteCount, let limit):
      "hold \(name) keeps \(byteCount) bytes of the log, and may keep \(limit): advance or release it; writes then "
        + "resume"
    case .holdLost(let name, let loss):
      "hold \(name) was lost, because \(loss): release it, and start over from another copy of the data"
    case .notKept(let lsn, let oldest):
      "the log at LSN \(lsn) is no longer kept: the oldest position is LSN \(oldest)"
    case .notABatch(let lsn):
      "no batch begins at LSN \(lsn): use the end of a durable batch; if it is one, the log is damaged there"
    case .invalidHold(let name, let reason):
      "hold \(name): \(reason)"
    }
  }
}

extension LogError: IOFailure {
  /// A full disk becomes `.diskFull`, everything else `.io`.
  public init(_ error: IOError) { self = error.isDiskFull ? .diskFull(error) : .io(error) }

  /// Whether waiting for disk space may help.
  package var isDiskFull: Bool {
    if case .diskFull = self { true } else { false }
  }

  /// Whether a segment could not be made for lack of room, on the disk or beside what a hold keeps.
  package var isOutOfRoom: Bool {
    switch self {
    case .diskFull, .logHeld: true
    default: false
    }
  }
}
