import Glibc
import TxnWAL

extension RawSpan {
  /// Whether these bytes come before `other`: as unsigned bytes, a prefix before what it begins.
  @inline(__always)
  func isBefore(_ other: RawSpan) -> Bool {
    compare(to: other) < 0
  }

  /// Eight bytes from `offset` on as a number that orders as they do, with zeros where the bytes have ended.
  @inline(__always)
  func orderingWord(at offset: Int) -> UInt64 {
    if byteCount >= offset &+ 8 { return load(at: offset, as: UInt64.self).byteSwapped }
    var word: UInt64 = 0
    var index = offset
    while index < byteCount {
      word |= UInt64(load(at: index, as: UInt8.self)) << UInt64(56 &- 8 &* (index &- offset))
      index &+= 1
    }
    return word
  }

  /// Negative, zero or positive as these bytes come before, are, or come behind `other`. O(n).
  @inline(__always)
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
