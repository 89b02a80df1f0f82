import Base

extension String: TupleElement {
  /// Adds a string.
  public func append(to tuple: inout Tuple) {
    withBytes { tuple.append(TupleCode.string, escaping: $0) }
  }

  /// Reads a string.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self = try decoder.nextString()
  }
}

extension Substring: TupleElement {
  /// Adds a string.
  public func append(to tuple: inout Tuple) {
    withBytes { tuple.append(TupleCode.string, escaping: $0) }
  }

  /// Reads a string.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self = try decoder.nextString()[...]
  }
}

extension Array: TupleElement where Element == UInt8 {
  /// Adds bytes.
  public func append(to tuple: inout Tuple) {
    tuple.append(bytes: self)
  }

  /// Reads bytes.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self = try decoder.nextBytes()
  }
}

extension ArraySlice: TupleElement where Element == UInt8 {
  /// Adds bytes.
  public func append(to tuple: inout Tuple) {
    tuple.append(bytes: self)
  }

  /// Reads bytes.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self = try decoder.nextBytes()[...]
  }
}

extension Tuple {
  /// Adds bytes, of whatever type: what is added as a string's bytes is read as bytes. O(n).
  public mutating func append(
    bytes content: borrowing some BytesConvertible & ~Copyable & ~Escapable
  ) {
    content.withBytes { append(TupleCode.bytes, escaping: $0) }
  }

  @usableFromInline
  mutating func appendNull() {
    bytes.append(TupleCode.null)
  }

  mutating func append(_ code: UInt8, escaping content: RawSpan) {
    bytes.append(code)
    var start = 0
    while let zero = content.firstOffset(of: 0, from: start) {
      bytes.append(copying: content.extracting(start...zero))
      bytes.append(TupleCode.escape)
      start = zero + 1
    }
    bytes.append(copying: content.extracting(start..<content.byteCount))
    bytes.append(TupleCode.end)
  }
}
