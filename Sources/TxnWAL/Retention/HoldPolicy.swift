/// What happens when a hold would keep more of the log than holds may.
public enum HoldPolicy: UInt8, Sendable, CaseIterable {
  /// The hold is lost and its segments are recycled. Its owner gets `.holdLost` at its next use. The default: a hold
  /// that its owner has forgotten must not stop the store.
  case invalidate = 0
  /// The hold stays, and appends fail with `.logHeld` until it is advanced or released. Reads go on.
  case block = 1
}

/// Why a hold no longer keeps the log.
public enum HoldLoss: UInt8, Sendable, CaseIterable {
  /// It kept more than `RetentionOptions.byteLimit`.
  case overLimit = 1
  /// The disk ran short of space.
  case diskShort = 2
  /// When the log was opened, a segment that the hold needs was missing or damaged.
  case segmentMissing = 3
  /// When the log was opened, it ended before the hold's position: damage was cut off, or an older copy was restored.
  case logShorter = 4
}

extension HoldLoss: CustomStringConvertible {
  /// The reason as a clause.
  public var description: String {
    switch self {
    case .overLimit: "it kept more of the log than holds may"
    case .diskShort: "the disk ran short of space"
    case .segmentMissing: "a segment that it needs is missing or damaged"
    case .logShorter: "the log ends before its position"
    }
  }
}
