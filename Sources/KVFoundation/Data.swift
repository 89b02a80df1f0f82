public import FoundationEssentials
public import KVStore

extension Data: BytesConvertible {
  /// Lends the bytes in place.
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(bytes)
  }
}

extension Data: TupleElement {
  /// Adds bytes: `[UInt8]` adds and reads the same.
  public func append(to tuple: inout Tuple) {
    tuple.append(bytes: self)
  }

  /// Reads bytes.
  public init(from decoder: inout TupleDecoder) throws(TupleError) {
    self.init(try decoder.next([UInt8].self))
  }
}
