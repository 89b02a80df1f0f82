import Base

/// How each type is read. All check that the bytes are those that encoding writes.
extension TupleDecoder {
  /// The type of the next element.
  func nextType(expecting expected: Tuple.ElementType? = nil) throws(TupleError)
    -> Tuple.ElementType
  {
    if isAtEnd { throw .missingElement(index: index, expected: expected) }
    let code = byte(at: offset)
    guard let type = Tuple.ElementType(code: code) else { throw malformed(.unknownCode(code)) }
    return type
  }

  /// Passes the code of the next element and returns it. If the element is of another type, it is not passed.
  private mutating func begin(_ type: Tuple.ElementType) throws(TupleError) -> UInt8 {
    let found = try nextType(expecting: type)
    guard found == type else {
      throw .typeMismatch(index: index, expected: type, found: found)
    }
    let code = byte(at: offset)
    offset += 1
    index += 1
    return code
  }

  @usableFromInline
  mutating func skipNull() -> Bool {
    guard !isAtEnd, byte(at: offset) == TupleCode.null else { return false }
    offset += 1
    index += 1
    return true
  }

  mutating func nextBool() throws(TupleError) -> Bool {
    try begin(.bool) == TupleCode.true
  }

  /// From -(2^64 - 1) to 2^64 - 1.
  @usableFromInline
  mutating func nextInteger() throws(TupleError) -> Int128 {
    let start = offset
    let size = Int(try begin(.integer)) - Int(TupleCode.zero)
    let byteCount = abs(size)
    let word = try bigEndian(byteCount: byteCount, of: start)
    let magnitude = size < 0 ? word ^ (UInt64.max >> UInt64(64 - 8 * byteCount)) : word
    if byteCount > 0, magnitude >> UInt64(8 * (byteCount - 1)) == 0 {
      throw malformed(.overlongInteger, at: start)
    }
    return size < 0 ? -Int128(magnitude) : Int128(magnitude)
  }

  mutating func nextFloat() throws(TupleError) -> Float {
    let start = offset
    _ = try begin(.float)
    let word = UInt32(truncatingIfNeeded: try bigEndian(byteCount: 4, of: start))
    let number = Float(bitPattern: word >> 31 == 0 ? ~word : word ^ 1 << 31)
    if number.isNaN, number.bitPattern != Float.nan.bitPattern {
      throw malformed(.otherNaN, at: start)
    }
    return number
  }

  mutating func nextDouble() throws(TupleError) -> Double {
    let start = offset
    _ = try begin(.double)
    let word = try bigEndian(byteCount: 8, of: start)
    let number = Double(bitPattern: word >> 63 == 0 ? ~word : word ^ 1 << 63)
    if number.isNaN, number.bitPattern != Double.nan.bitPattern {
      throw malformed(.otherNaN, at: start)
    }
    return number
  }

  /// The next element, which must be a UUID, as the number that its 16 bytes are in big-endian order.
  public mutating func nextUUID() throws(TupleError) -> UInt128 {
    let start = offset
    _ = try begin(.uuid)
    let high = try bigEndian(byteCount: 8, of: start)
    return UInt128(high) << 64 | UInt128(try bigEndian(byteCount: 8, of: start))
  }

  mutating func nextString() throws(TupleError) -> String {
    let start = offset
    _ = try begin(.string)
    let content = try passContent(of: start)
    let text =
      content.isEscaped
      ? String(validating: unescaped(content.place), as: UTF8.self)
      : String(validating: bytes.extracting(content.place), as: UTF8.self)
    guard let text else { throw malformed(.invalidUTF8, at: start) }
    return text
  }

  mutating func nextBytes() throws(TupleError) -> [UInt8] {
    let start = offset
    _ = try begin(.bytes)
    let content = try passContent(of: start)
    return content.isEscaped
      ? unescaped(content.place) : [UInt8](bytes.extracting(content.place))
  }

  mutating func nextTuple() throws(TupleError) -> Tuple {
    let start = offset
    _ = try begin(.tuple)
    let index = index
    defer { self.index = index }
    var tuple = Tuple()
    while true {
      if skipNull() {
        guard skipEscape() else { return tuple }
        tuple.appendNull()
      } else {
        if isAtEnd { throw malformed(.truncated, at: start) }
        let element = try skip(depth: 1)
        tuple.bytes.append(copying: bytes.extracting(element))
      }
    }
  }

  /// Passes the next element, whatever its type, and returns its place. O(its size), without recursion.
  ///
  /// - Parameter depth: how many tuples it lies in.
  @discardableResult
  mutating func skip(depth outer: Int = 0) throws(TupleError) -> Range<Int> {
    let start = offset
    let first = index
    var depth = outer
    repeat {
      if isAtEnd {
        throw depth > outer ? malformed(.truncated, at: start) : .missingElement(index: index)
      }
      switch try nextType() {
      case .null:
        offset += 1
        // In a nested tuple it ends that, unless it is escaped.
        if depth > outer, !skipEscape() { depth -= 1 }
      case .tuple:
        guard depth < Tuple.nestingLimit else { throw malformed(.nestedTooDeeply) }
        depth += 1
        offset += 1
      case .bytes: _ = try nextBytes()
      case .string: _ = try nextString()
      case .integer: _ = try nextInteger()
      case .float: _ = try nextFloat()
      case .double: _ = try nextDouble()
      case .bool: _ = try nextBool()
      case .uuid: _ = try nextUUID()
      }
    } while depth > outer
    index = first + 1
    return start..<offset
  }

  private mutating func skipEscape() -> Bool {
    guard !isAtEnd, byte(at: offset) == TupleCode.escape else { return false }
    offset += 1
    return true
  }

  /// Passes the bytes of the element that began at `start`, up to the zero that ends it.
  private mutating func passContent(of start: Int) throws(TupleError)
    -> (place: Range<Int>, isEscaped: Bool)
  {
    let first = offset
    var isEscaped = false
    while let zero = bytes.firstOffset(of: TupleCode.end, from: offset) {
      offset = zero + 1
      guard skipEscape() else { return (first..<zero, isEscaped) }
      isEscaped = true
    }
    throw malformed(.truncated, at: start)
  }

  private func unescaped(_ place: Range<Int>) -> [UInt8] {
    let content = bytes.extracting(place)
    var result: [UInt8] = []
    result.reserveCapacity(content.byteCount)
    var start = 0
    while let zero = content.firstOffset(of: 0, from: start) {
      result.append(copying: content.extracting(start...zero))
      start = zero + 2
    }
    result.append(copying: content.extracting(start..<content.byteCount))
    return result
  }

  /// Passes `byteCount` bytes, at most 8, of the element that began at `start`.
  private mutating func bigEndian(byteCount: Int, of start: Int) throws(TupleError) -> UInt64 {
    guard byteCount <= bytes.byteCount - offset else { throw malformed(.truncated, at: start) }
    var word: UInt64 = 0
    for place in offset..<offset + byteCount { word = word << 8 | UInt64(byte(at: place)) }
    offset += byteCount
    return word
  }

  private func byte(at offset: Int) -> UInt8 {
    bytes.load(at: offset, as: UInt8.self)
  }

  private func malformed(_ defect: TupleError.Defect, at start: Int? = nil) -> TupleError {
    .malformed(offset: start ?? offset, defect)
  }
}
