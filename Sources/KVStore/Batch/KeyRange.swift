import Base

/// A range of keys in byte order, from `lower` (inclusive) to `upper` (exclusive).
public struct KeyRange: Sendable, Equatable {
  /// The inclusive lower bound.
  public var lower: [UInt8]
  /// The exclusive upper bound; nil if the range has no end.
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
    // The first key after them: the prefix without trailing 0xFF bytes, and its last byte incremented.
    var upper = prefix
    while let last = upper.popLast() {
      if last < 0xFF { return KeyRange(from: prefix, to: upper + [last + 1]) }
    }
    return KeyRange(from: prefix)
  }

  /// Whether the range can contain no key.
  public var isEmpty: Bool {
    if let upper { !lower.lexicographicallyPrecedes(upper) } else { false }
  }

  /// Whether the range contains `key`.
  func contains(_ key: RawSpan) -> Bool {
    if key.isBefore(lower.rawSpan) { return false }
    if let upper { return key.isBefore(upper.rawSpan) }
    return true
  }

  /// The bytes of both bounds.
  var byteCount: Int { lower.count + (upper?.count ?? 0) }

  /// The keyspaces in which deleting this range of users' keys deletes it: a delete of everything also
  /// removes all that belongs to users' entries.
  var deletedKeyspaces: [Keyspace] { self == .everything ? Keyspace.userData : [.keys] }
}
