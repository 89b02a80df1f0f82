import TxnWAL

/// The first sixteen bytes of a key, filled with zeros: most comparisons of keys end there, and it is a plain
/// value, where the key itself is behind a cursor.
struct KeyWindow: Equatable, BitwiseCopyable {
  private var high: UInt64 = 0
  private var low: UInt64 = 0

  init() {}

  @inline(__always)
  init(_ key: RawSpan) {
    high = Self.word(of: key, at: 0)
    low = Self.word(of: key, at: 8)
  }

  /// Whether every key with this window comes before every one with `other`.
  @inline(__always)
  func isBefore(_ other: KeyWindow) -> Bool {
    high == other.high ? low < other.low : high < other.high
  }

  /// Eight bytes from `offset` on, as a number that orders as they do.
  @inline(__always)
  private static func word(of key: RawSpan, at offset: Int) -> UInt64 {
    if key.byteCount >= offset &+ 8 { return key.load(at: offset, as: UInt64.self).byteSwapped }
    var word: UInt64 = 0
    var index = offset
    while index < key.byteCount {
      word |= UInt64(key.load(at: index, as: UInt8.self)) << UInt64(56 &- 8 &* (index &- offset))
      index &+= 1
    }
    return word
  }
}
