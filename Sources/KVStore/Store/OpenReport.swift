import Base
import TxnWAL

/// What opening a store found and did.
public struct OpenReport: Sendable, CustomStringConvertible {
  /// Whether this open created the store.
  public let isNew: Bool
  /// How many partitions it has.
  public let partitionCount: Int
  /// The byte count of a segment of its log.
  public let segmentByteCount: Int
  /// What recovery did with the log.
  public let recovery: RecoveryReport
  /// What an operator should change, one sentence each.
  public let warnings: [String]

  /// One line for an operator.
  public var description: String {
    isNew
      ? "created a new store with \(Plural.count(partitionCount, "partition"))"
      : "recovered \(Plural.count(partitionCount, "partition")): \(recovery)"
  }
}
