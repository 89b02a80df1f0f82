/// A hold, as operators see it.
public struct HoldSummary: Sendable, Equatable {
  /// The hold's name.
  public let name: String
  /// The log is kept from this LSN on.
  public let position: LSN
  /// The bytes of segment files that are kept for this hold and that the store itself does not need. A segment that
  /// several holds need counts for each of them.
  public let byteCount: Int
  /// When the hold was made, in milliseconds since 1970.
  public let creationMilliseconds: UInt64
  /// What happens when it would keep too much.
  public let policy: HoldPolicy
  /// Whether the hold ends with the object that made it, and with the process.
  public let isTemporary: Bool
  /// Why the hold no longer keeps anything; nil while it does.
  public let loss: HoldLoss?
}

extension HoldSummary: CustomStringConvertible {
  /// One line for an operator.
  public var description: String {
    if let loss { return "\(name): lost at LSN \(position), because \(loss)" }
    let kind = isTemporary ? ", temporary" : ""
    let blocks = policy == .block ? ", blocks writes at the limit" : ""
    return "\(name): from LSN \(position), keeps \(byteCount) bytes\(blocks)\(kind)"
  }
}

/// Figures about what is kept of the log in addition to what the store needs.
public struct RetentionStatistics: Sendable, Equatable {
  /// The bytes of segment files that are kept for holds alone.
  public var heldByteCount = 0
  /// The holds that are in force, temporary ones included.
  public var holdCount = 0
  /// The holds that were lost and not released yet.
  public var lostHoldCount = 0
  /// The hold in force with the least position.
  public var oldestHold: HoldSummary?
  /// The oldest position from which the log can be read.
  public var oldestLSN = LSN.zero
  /// The limit on what one hold may keep.
  public var byteLimit = 0
  /// Why the file of holds could not be written the last time; nil if it was. Until it is written, segments that
  /// holds have passed cannot be recycled.
  public var saveFailure: LogError?
}
