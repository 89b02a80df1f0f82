import Base

/// The first sixteen bytes of a key, filled with zeros: most comparisons of keys end there, and it is a plain
/// value, where the key itself is behind a cursor.
struct KeyWindow: Equatable, BitwiseCopyable {
  private var high: UInt64 = 0
  private var low: UInt64 = 0

  init() {}

  @inline(__always)
  init(_ key: RawSpan) {
    high = key.orderingWord(at: 0)
    low = key.orderingWord(at: 8)
  }

  /// The bytes as one number, which orders as they do.
  @inline(__always)
  var number: UInt128 { UInt128(high) << 64 | UInt128(low) }

  /// Whether every key with this window comes before every one with `other`.
  @inline(__always)
  func isBefore(_ other: KeyWindow) -> Bool {
    high == other.high ? low < other.low : high < other.high
  }
}
