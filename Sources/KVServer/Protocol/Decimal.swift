import Base
import CLinux

/// Decimal numbers as Redis reads and writes them.

/// The integer that `text` spells, or nil.
///
/// As strict as Redis: an optional `-`, then digits without a leading zero; no `+`, no spaces, no `-0`, and
/// nothing beyond 64 bits. It accepts exactly what `DecimalText` writes.
func parseInteger(_ text: RawSpan) -> Int64? {
  let count = text.byteCount
  guard count > 0, count <= 20 else { return nil }
  let first = text.byte(at: 0)
  if count == 1 {
    return first &- 0x30 < 10 ? Int64(first &- 0x30) : nil
  }
  let isNegative = first == 0x2D
  var offset = isNegative ? 1 : 0
  let leading = text.byte(at: offset)
  guard leading >= 0x31, leading <= 0x39 else { return nil }
  var magnitude: UInt64 = 0
  while offset < count {
    let digit = text.byte(at: offset) &- 0x30
    guard digit < 10 else { return nil }
    let (product, overflowed) = magnitude.multipliedReportingOverflow(by: 10)
    let (sum, carried) = product.addingReportingOverflow(UInt64(digit))
    guard !overflowed, !carried else { return nil }
    magnitude = sum
    offset += 1
  }
  if isNegative {
    return magnitude <= UInt64(Int64.max) + 1 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
  }
  return Int64(exactly: magnitude)
}

/// The unsigned integer that `text` spells, by the same rules, or nil.
func parseUnsigned(_ text: RawSpan) -> UInt64? {
  let count = text.byteCount
  guard count > 0, count <= 20 else { return nil }
  if count > 1, text.byte(at: 0) == 0x30 { return nil }
  var value: UInt64 = 0
  for offset in 0..<count {
    let digit = text.byte(at: offset) &- 0x30
    guard digit < 10 else { return nil }
    let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
    let (sum, carried) = product.addingReportingOverflow(UInt64(digit))
    guard !overflowed, !carried else { return nil }
    value = sum
  }
  return value
}

/// An integer's decimal digits, on the stack.
struct DecimalText {
  private var digits = InlineArray<20, UInt8>(repeating: 0)
  private var start = 20

  @inline(__always)
  init(_ value: Int64) {
    var rest = value.magnitude
    repeat {
      start &-= 1
      digits[start] = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
      rest /= 10
    } while rest != 0
    if value < 0 {
      start &-= 1
      digits[start] = 0x2D
    }
  }

  @inline(__always)
  init(unsigned value: UInt64) {
    var rest = value
    repeat {
      start &-= 1
      digits[start] = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
      rest /= 10
    } while rest != 0
  }

  @inline(__always)
  func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    unsafe try body(digits.span.bytes.extracting(start..<20))
  }
}

/// Sums of decimal fractions in `long double`, with the digits that Redis writes: 17 after the decimal
/// point, without trailing zeros.
enum LongDoubleText {
  enum Sum: Equatable {
    case digits([UInt8])
    /// One of the texts is not a number, or is out of range.
    case notANumber
    /// The sum is infinite.
    case infinite
  }

  /// `nil` counts as zero.
  static func sum(of first: RawSpan?, and second: RawSpan) -> Sum {
    let room = Int(KVD_LONG_DOUBLE_CHARS)
    var length: Int32 = 0
    let digits = unsafe [UInt8](unsafeUninitializedCapacity: room) { digits, count in
      unsafe second.withUnsafeBytes { second in
        if let first {
          unsafe first.withUnsafeBytes { first in
            length = unsafe kvd_add_long_doubles(
              first.baseAddress, first.count, second.baseAddress, second.count, digits.baseAddress)
          }
        } else {
          length = unsafe kvd_add_long_doubles(
            "0", 1, second.baseAddress, second.count, digits.baseAddress)
        }
      }
      count = max(0, Int(length))
    }
    switch length {
    case KVD_NOT_A_LONG_DOUBLE: return .notANumber
    case KVD_INFINITE_LONG_DOUBLE: return .infinite
    default: return .digits(digits)
    }
  }
}
