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
}
