import Base

/// A range of keys in byte order: from `lower`, which belongs to it, up to `upper`, which does not.
public struct KeyRange: Sendable, Equatable {
  /// The first key.
  public var lower: [UInt8]
  /// The first key behind the range; nil where it has no end.
  public var upper: [UInt8]?

  /// The range from `lower` up to `upper`.
  public init(from lower: [UInt8] = [], to upper: [UInt8]? = nil) {
    self.lower = lower
    self.upper = upper
  }

  /// Every key.
  public static let everything = KeyRange()

  /// The keys that begin with `prefix`.
  public static func prefix(_ prefix: [UInt8]) -> KeyRange {
    // The first key behind them all: the prefix, less its last bytes of 0xFF, counted up by one.
    var upper = prefix
    while let last = upper.popLast() {
      if last < 0xFF { return KeyRange(from: prefix, to: upper + [last + 1]) }
    }
    return KeyRange(from: prefix)
  }

  /// Whether no key can be in it.
  public var isEmpty: Bool {
    if let upper { !lower.lexicographicallyPrecedes(upper) } else { false }
  }

  /// Whether `key` lies in the range.
  func contains(_ key: RawSpan) -> Bool {
    if key.isBefore(lower.rawSpan) { return false }
    if let upper { return key.isBefore(upper.rawSpan) }
    return true
  }
}
