import Base

/// What opening a log found and did.
public struct RecoveryReport: Sendable, Equatable {
  /// The LSN where reading began.
  public var checkpoint = LSN.zero
  /// The LSN where the log ends and new records are appended.
  public var end = LSN.zero
  /// The number of segments read.
  public var segmentCount = 0
  /// The number of valid records read.
  public var recordCount = 0
  /// Committed transactions that at least one participant had not fully applied.
  public var rolledForwardCount = 0
  /// The first `namedCount` of them, in log order.
  public var rolledForward: [TransactionID] = []
  /// The maximum number of transactions listed by id, per kind.
  public static let namedCount = 1000
  /// Committed transactions that every participant had already applied.
  public var alreadyAppliedCount = 0
  /// Transactions with an abort marker.
  public var abortedCount = 0
  /// Transactions without an outcome.
  public var presumedAbortedCount = 0
  /// The first `namedCount` of them, in log order.
  public var presumedAborted: [TransactionID] = []
  /// Whether an unfinished write followed the end of the log.
  public var hasTornTail = false
  /// The sequence of the newest committed transaction, or a greater one at which this epoch's or an earlier epoch's
  /// sequences began.
  public var lastSequence: UInt64 = 0
  /// The maximum number of log bytes in memory at one time.
  public var peakWindowByteCount = 0
  /// How long recovery took.
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
