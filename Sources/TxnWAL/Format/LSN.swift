/// A log sequence number: a byte position in the log.
///
/// It counts record bytes only, not segment headers, so adding a record's length gives the position of the next
/// record even across segments.
public struct LSN: RawRepresentable, Comparable, Hashable, Sendable, BitwiseCopyable {
  /// The number of record bytes before this position.
  public var rawValue: UInt64

  /// The position after `rawValue` record bytes.
  @inlinable public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The beginning of the log.
  public static let zero = LSN(rawValue: 0)

  /// Whether `left` lies before `right`.
  @inlinable public static func < (left: LSN, right: LSN) -> Bool {
    left.rawValue < right.rawValue
  }

  /// The position `byteCount` bytes later.
  package func advanced(by byteCount: Int) -> LSN {
    LSN(rawValue: rawValue + UInt64(byteCount))
  }

  /// The number of bytes from `earlier`, which must not be later, to here.
  package func distance(from earlier: LSN) -> Int {
    Int(rawValue - earlier.rawValue)
  }
}

extension LSN: CustomStringConvertible {
  /// The position as a decimal number.
  public var description: String { "\(rawValue)" }
}
