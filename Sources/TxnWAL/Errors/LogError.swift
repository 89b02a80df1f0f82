import Base

/// What can go wrong with the log, by what the caller can do about it.
public enum LogError: Error, Sendable, Equatable {
  /// A system call failed. The operation had no effect that was acknowledged.
  case io(IOError)
  /// The same of a file system that has no room; the operation may be tried again when it has.
  case diskFull(IOError)
  /// Something that was once durable is damaged; nothing was changed.
  case corrupted(Finding)
  /// A write or a sync failed earlier. Writes are refused until the log is opened again; what was
  /// under way at the time has an unknown outcome.
  case poisoned(because: String)
  /// A file of another format, or of a version that this build does not read.
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
        ? "no inodes left for \(error.path), although there is space; remove files and writes go on by themselves"
        : "no space left for \(error.path); free some space and writes go on by themselves"
    case .corrupted(let finding):
      "the log is damaged: \(finding)"
    case .poisoned(let reason):
      "the log refuses writes since \(reason); open the store again to recover"
    case .unsupportedFormat(let path, let found, let supported):
      "\(path) has format \(found), this build reads \(supported)"
    case .recordTooLarge(let byteCount, let limit):
      "a transaction of \(byteCount) bytes is over the limit of \(limit) bytes"
    case .closed:
      "the log is closed"
    }
  }
}

extension LogError: IOFailure {
  /// The log's word for it: a full disk is a case of its own.
  public init(_ error: IOError) { self = error.isDiskFull ? .diskFull(error) : .io(error) }

  /// Whether waiting for room may help.
  package var isDiskFull: Bool {
    if case .diskFull = self { true } else { false }
  }
}
