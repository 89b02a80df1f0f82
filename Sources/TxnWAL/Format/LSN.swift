/// A log sequence number: a byte position in the endless log.
///
/// Only record bytes are counted, not the headers of segments, so that adding a record's length gives
/// the position of the next one wherever segments end.
public struct LSN: RawRepresentable, Comparable, Hashable, Sendable, BitwiseCopyable {
  /// The number of record bytes before this position.
  public var rawValue: UInt64

  /// The position after `rawValue` bytes.
  @inlinable public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The beginning of every log.
  public static let zero = LSN(rawValue: 0)

  /// Whether `left` lies before `right`.
  @inlinable public static func < (left: LSN, right: LSN) -> Bool {
    left.rawValue < right.rawValue
  }

  /// The position `byteCount` bytes further on.
  package func advanced(by byteCount: Int) -> LSN {
    LSN(rawValue: rawValue + UInt64(byteCount))
  }

  /// The number of bytes from `earlier` to here; `earlier` must not lie behind.
  package func distance(from earlier: LSN) -> Int {
    Int(rawValue - earlier.rawValue)
  }
}

extension LSN: CustomStringConvertible {
  /// The position as a decimal number.
  public var description: String { "\(rawValue)" }
}
