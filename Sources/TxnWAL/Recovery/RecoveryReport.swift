import Base

/// What opening a log found and did.
public struct RecoveryReport: Sendable, Equatable {
  /// Where reading began.
  public var checkpoint = LSN.zero
  /// Where the log ends and goes on.
  public var end = LSN.zero
  /// The segments that were looked at.
  public var segmentCount = 0
  /// The sound records that were read.
  public var recordCount = 0
  /// The committed transactions of which some participant still lacked something.
  public var rolledForwardCount = 0
  /// The first of them; the others are only counted.
  public var rolledForward: [TransactionID] = []
  /// How many of each kind are named.
  public static let namedCount = 1000
  /// The committed transactions that every participant had already.
  public var alreadyAppliedCount = 0
  /// The transactions with an abort marker.
  public var abortedCount = 0
  /// The transactions without an outcome.
  public var presumedAbortedCount = 0
  /// The first of them, in the order of the log; the others are only counted.
  public var presumedAborted: [TransactionID] = []
  /// Whether bytes of an unfinished write stood behind the end.
  public var hasTornTail = false
  /// The sequence of the newest committed transaction, or a greater one at which those of this epoch or an earlier
  /// one began.
  public var lastSequence: UInt64 = 0
  /// The most bytes of the log that were in memory at a time.
  public var peakWindowByteCount = 0
  /// How long it took.
  public var duration = Duration.zero

  /// An empty report.
  public init() {}
}

extension RecoveryReport: CustomStringConvertible {
  /// One line for an operator.
  public var description: String {
    let milliseconds =
      duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
    var parts = [
      "read \(Plural.count(recordCount, "record")) from LSN \(checkpoint) to \(end) in \(milliseconds) ms",
      "rolled forward \(Plural.count(rolledForwardCount, "transaction"))",
      "\(alreadyAppliedCount) already applied",
      "\(abortedCount) aborted",
      "\(presumedAbortedCount) in doubt and presumed aborted",
    ]
    if hasTornTail { parts.append("a torn tail was cut off at LSN \(end)") }
    return parts.joined(separator: ", ")
  }
}
