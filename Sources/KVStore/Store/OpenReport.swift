import Base
import TxnWAL

/// What opening a store found and did.
public struct OpenReport: Sendable, CustomStringConvertible {
  /// Whether the store was made by this open.
  public let isNew: Bool
  /// How many partitions it has.
  public let partitionCount: Int
  /// The length of a segment of its log.
  public let segmentByteCount: Int
  /// What recovery did with the log.
  public let recovery: RecoveryReport
  /// What an operator should change, a sentence each.
  public let warnings: [String]

  /// One line for an operator.
  public var description: String {
    isNew
      ? "made a new store of \(Plural.count(partitionCount, "partition"))"
      : "recovered \(Plural.count(partitionCount, "partition")): \(recovery)"
  }
}
