import Glibc

extension RawSpan {
  /// Whether these bytes come before `other`: as unsigned bytes, a prefix before what it begins.
  @inline(__always)
  func isBefore(_ other: RawSpan) -> Bool {
    compare(to: other) < 0
  }

  /// Negative, zero or positive as these bytes come before, are, or come behind `other`. O(n).
  @inline(__always)
  func compare(to other: RawSpan) -> Int {
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
