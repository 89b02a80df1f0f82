extension TupleElement where Self: FixedWidthInteger {
  /// Adds an integer. Traps if its magnitude has more than 64 bits.
  @inlinable
  public func append(to tuple: inout Tuple) {
    tuple.append(integer: Int128(self))
  }

  /// Reads an integer that was added with any width. Throws `.notRepresentable` if it does not fit into this one.
  @inlinable
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    let index = decoder.index
    guard let value = Self(exactly: try decoder.nextInteger()) else {
      throw .notRepresentable(index: index, type: "\(Self.self)")
    }
    self = value
  }
}

extension Int: TupleElement {}
extension Int8: TupleElement {}
extension Int16: TupleElement {}
extension Int32: TupleElement {}
extension Int64: TupleElement {}
extension UInt: TupleElement {}
extension UInt8: TupleElement {}
extension UInt16: TupleElement {}
extension UInt32: TupleElement {}
extension UInt64: TupleElement {}

extension Float: TupleElement {
  /// Adds the number. Every NaN becomes `Float.nan`.
  public func append(to tuple: inout Tuple) {
    let bits = (isNaN ? .nan : self).bitPattern
    tuple.bytes.append(TupleCode.float)
    tuple.append(bigEndian: UInt64(bits >> 31 == 0 ? bits | 1 << 31 : ~bits), byteCount: 4)
  }

  /// Reads a `Float`.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self = try decoder.nextFloat()
  }
}

extension Double: TupleElement {
  /// Adds the number. Every NaN becomes `Double.nan`.
  public func append(to tuple: inout Tuple) {
    let bits = (isNaN ? .nan : self).bitPattern
    tuple.bytes.append(TupleCode.double)
    tuple.append(bigEndian: bits >> 63 == 0 ? bits | 1 << 63 : ~bits, byteCount: 8)
  }

  /// Reads a `Double`.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self = try decoder.nextDouble()
  }
}

extension Bool: TupleElement {
  /// Adds the truth value: false sorts before true.
  public func append(to tuple: inout Tuple) {
    tuple.bytes.append(self ? TupleCode.true : TupleCode.false)
  }

  /// Reads a truth value.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self = try decoder.nextBool()
  }
}

extension Tuple {
  @usableFromInline
  mutating func append(integer: Int128) {
    precondition(integer.magnitude <= UInt64.max, "an integer in a tuple has 64 bits at most")
    let magnitude = UInt64(truncatingIfNeeded: integer.magnitude)
    let byteCount = 8 - magnitude.leadingZeroBitCount / 8
    let isNegative = integer < 0
    bytes.append(TupleCode.zero &+ UInt8(truncatingIfNeeded: isNegative ? -byteCount : byteCount))
    append(bigEndian: isNegative ? ~magnitude : magnitude, byteCount: byteCount)
  }

  /// Appends the lower `byteCount` bytes of `word`, the most significant first.
  mutating func append(bigEndian word: UInt64, byteCount: Int) {
    for index in stride(from: byteCount - 1, through: 0, by: -1) {
      bytes.append(UInt8(truncatingIfNeeded: word >> (8 * UInt64(index))))
    }
  }

  /// Adds a UUID, given as the number that its 16 bytes are in big-endian order. `TupleDecoder.nextUUID` reads it.
  public mutating func append(uuid: UInt128) {
    bytes.append(TupleCode.uuid)
    append(bigEndian: UInt64(truncatingIfNeeded: uuid >> 64), byteCount: 8)
    append(bigEndian: UInt64(truncatingIfNeeded: uuid), byteCount: 8)
  }
}
