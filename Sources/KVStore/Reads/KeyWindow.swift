import Base

/// The first sixteen bytes of a key, padded with zeros. Most comparisons of keys need no more, and this is a
/// plain value, whereas the key itself is behind a cursor.
struct KeyWindow: Equatable, BitwiseCopyable {
  private var high: UInt64 = 0
  private var low: UInt64 = 0

  init() {}

  @inline(__always)
  init(_ key: RawSpan) {
    high = key.orderingWord(at: 0)
    low = key.orderingWord(at: 8)
  }

  /// The bytes as one number, which sorts as they do.
  @inline(__always)
  var number: UInt128 { UInt128(high) << 64 | UInt128(low) }

  /// Whether every key with this window comes before every key with `other`.
  @inline(__always)
  func isBefore(_ other: KeyWindow) -> Bool {
    high == other.high ? low < other.low : high < other.high
  }
}
