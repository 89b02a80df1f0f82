import Glibc

extension RawSpan {
  /// Where the bytes lie. Of two spans that are lent at one time those that begin at one place and are of one
  /// length are the same.
  @inlinable @inline(__always)
  package var address: UInt { unsafe withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }

  /// Whether these bytes come before `other`: as unsigned bytes, a prefix before what it begins.
  @inlinable @inline(__always)
  package func isBefore(_ other: RawSpan) -> Bool {
    compare(to: other) < 0
  }

  /// Eight bytes from `offset` on as a number that orders as they do, with zeros where the bytes have ended.
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

  /// The same as `compare` where the first sixteen bytes are known to be those of `other`, zeros for those that
  /// either lacks: of two equally long keys up to 24 bytes the last eight decide.
  @inlinable @inline(__always)
  package func compareTail(to other: RawSpan) -> Int {
    guard byteCount == other.byteCount, byteCount <= 24 else { return compare(to: other) }
    if byteCount <= 16 { return 0 }
    let word = load(at: byteCount &- 8, as: UInt64.self).byteSwapped
    let others = other.load(at: byteCount &- 8, as: UInt64.self).byteSwapped
    return word == others ? 0 : word < others ? -1 : 1
  }

  /// Negative, zero or positive as these bytes come before, are, or come behind `other`. O(n).
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
  /// Whether it comes before `other` in the order of keys.
  package func isBefore(_ other: [UInt8]) -> Bool {
    withBytes { bytes in other.withBytes { bytes.isBefore($0) } }
  }
}
