/// An integer of 1 to 64 bits at any position in a string, and BITFIELD's arithmetic on it.
struct BitField {
  enum Overflow {
    /// The excess high bits are dropped.
    case wrap
    /// The result is the nearest number that fits.
    case saturate
    /// Nothing is written.
    case fail
  }

  let isSigned: Bool
  let width: Int

  /// `i1`…`i64` or `u1`…`u63`; nil for anything else.
  init?(_ text: RawSpan) {
    guard text.byteCount > 1 else { return nil }
    switch text.byte(at: 0) {
    case 0x69: isSigned = true
    case 0x75: isSigned = false
    default: return nil
    }
    guard let width = parseInteger(text.extracting(1..<text.byteCount)), width >= 1,
      width <= (isSigned ? 64 : 63)
    else { return nil }
    self.width = Int(width)
  }

  private var least: Int64 { isSigned ? .min >> Int64(64 - width) : 0 }
  private var most: Int64 { isSigned ? .max >> Int64(64 - width) : .max >> Int64(63 - width) }

  /// The number at bit `offset`. Bits after the end of `bytes` are zero.
  func read(_ bytes: RawSpan?, at offset: Int) -> Int64 {
    guard let bytes else { return 0 }
    var bits: UInt64 = 0
    var isPartOfFirst = true
    var rest = width
    var bit = offset
    while rest > 0 {
      let byte = bit >> 3 < bytes.byteCount ? bytes.byte(at: bit >> 3) : 0
      let taken = min(rest, 8 - bit & 7)
      let part = UInt64(byte << UInt8(bit & 7)) >> UInt64(8 - taken)
      bits = isPartOfFirst ? part : bits << UInt64(taken) | part
      isPartOfFirst = false
      rest -= taken
      bit += taken
    }
    return narrowed(Int64(bitPattern: bits))
  }

  /// Writes `number` at bit `offset`. The number must fit, and `bytes` must contain the whole field.
  func write(_ number: Int64, to bytes: inout [UInt8], at offset: Int) {
    var rest = width
    var bit = offset
    while rest > 0 {
      let taken = min(rest, 8 - bit & 7)
      let mask = (UInt8.max << UInt8(8 - taken)) >> UInt8(bit & 7)
      let part = UInt8(truncatingIfNeeded: number >> Int64(rest - taken))
      let placed = (part << UInt8(8 - taken)) >> UInt8(bit & 7)
      bytes[bit >> 3] = bytes[bit >> 3] & ~mask | placed
      rest -= taken
      bit += taken
    }
  }

  /// The result of `number + increment` in this field. Nil if it does not fit and `overflow` is `.fail`.
  func sum(_ number: Int64, _ increment: Int64, _ overflow: Overflow) -> Int64? {
    let (sum, isBeyond64) = number.addingReportingOverflow(increment)
    if !isBeyond64, sum >= least, sum <= most { return sum }
    switch overflow {
    case .wrap: return narrowed(sum)
    case .saturate: return isBeyond64 ? (increment > 0 ? most : least) : sum > most ? most : least
    case .fail: return nil
    }
  }

  /// The value that SET writes for `number`. In an unsigned field a negative number counts as too large, so
  /// that it saturates to the maximum.
  func fitting(_ number: Int64, _ overflow: Overflow) -> Int64? {
    if !isSigned, number < 0, overflow == .saturate { return most }
    return sum(number, 0, overflow)
  }

  /// The low bits of `number`, as a number of this field.
  private func narrowed(_ number: Int64) -> Int64 {
    let unused = Int64(64 - width)
    if isSigned { return (number << unused) >> unused }
    return Int64(bitPattern: (UInt64(bitPattern: number) << UInt64(unused)) >> UInt64(unused))
  }
}
