import Glibc

extension RawSpan {
  /// The address of the first byte. Two spans lent at the same time with equal addresses and lengths are the same
  /// bytes.
  @inlinable @inline(__always)
  package var address: UInt { unsafe withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }

  /// Whether these bytes sort before `other`: compared as unsigned bytes, a prefix before any longer string.
  @inlinable @inline(__always)
  package func isBefore(_ other: RawSpan) -> Bool {
    compare(to: other) < 0
  }

  /// The eight bytes at `offset` as an integer that sorts as they do. Missing bytes count as zeros.
  @inlinable @inline(__always)
  package func orderingWord(at offset: Int) -> UInt64 {
    if byteCount >= offset &+ 8 { return load(at: offset, as: UInt64.self).byteSwapped }
    var word: UInt64 = 0
    var index = offset
    while index < byteCount {
      word |= UInt64(load(at: index, as: UInt8.self)) << UInt64(56 &- 8 &* (index &- offset))
      index &+= 1
    }
    return word
  }

  /// Same result as `compare`, for spans already known to be equal in their first 16 bytes (missing bytes count as
  /// zeros). For keys of equal length up to 24 bytes, comparing the last eight decides.
  @inlinable @inline(__always)
  package func compareTail(to other: RawSpan) -> Int {
    guard byteCount == other.byteCount, byteCount <= 24 else { return compare(to: other) }
    if byteCount <= 16 { return 0 }
    let word = load(at: byteCount &- 8, as: UInt64.self).byteSwapped
    let others = other.load(at: byteCount &- 8, as: UInt64.self).byteSwapped
    return word == others ? 0 : word < others ? -1 : 1
  }

  /// Negative, zero or positive when these bytes sort before, equal to or after `other`. O(n).
  @inlinable @inline(__always)
  package func compare(to other: RawSpan) -> Int {
    let common = Swift.min(byteCount, other.byteCount)
    if common > 0 {
      let order = unsafe withUnsafeBytes { left in
        unsafe other.withUnsafeBytes { right in
          unsafe memcmp(left.baseAddress!, right.baseAddress!, common)
        }
      }
      if order != 0 { return Int(order) }
    }
    return byteCount - other.byteCount
  }
}

extension [UInt8] {
  /// Whether these bytes sort before `other` in key order.
  package func isBefore(_ other: [UInt8]) -> Bool {
    rawSpan.isBefore(other.rawSpan)
  }
}
