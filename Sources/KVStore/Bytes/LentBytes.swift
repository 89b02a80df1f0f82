// What the standard library has that is bytes. `Span.bytes` counts as unsafe because elements of other types may
// have padding; bytes have none.

extension RawSpan: BytesConvertible {
  /// Lends the span itself.
  @inlinable
  @inline(__always)
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(self)
  }
}

extension Span: BytesConvertible where Element == UInt8 {
  /// Lends the elements in place.
  @inlinable
  @inline(__always)
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(unsafe bytes)
  }
}

extension Array: BytesConvertible where Element == UInt8 {
  /// Lends the elements in place.
  @inlinable
  @inline(__always)
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(unsafe span.bytes)
  }
}

extension ArraySlice: BytesConvertible where Element == UInt8 {
  /// Lends the slice's elements in place.
  @inlinable
  @inline(__always)
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(unsafe span.bytes)
  }
}

extension ContiguousArray: BytesConvertible where Element == UInt8 {
  /// Lends the elements in place.
  @inlinable
  @inline(__always)
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(unsafe span.bytes)
  }
}

extension InlineArray: BytesConvertible where Element == UInt8 {
  /// Lends the elements in place.
  @inlinable
  @inline(__always)
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(unsafe span.bytes)
  }
}

extension String: BytesConvertible {
  /// Lends the UTF-8 in place, as it is: no normalization.
  @inlinable
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(unsafe utf8Span.span.bytes)
  }
}

extension Substring: BytesConvertible {
  /// Lends the UTF-8 in place, as it is: no normalization.
  @inlinable
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(unsafe utf8Span.span.bytes)
  }
}

extension StaticString: BytesConvertible {
  /// Lends the UTF-8 from the program's constants.
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard hasPointerRepresentation else { return try String(unicodeScalar).withBytes(body) }
    let constant = unsafe UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    return try body(unsafe constant.bytes)
  }
}
