/// Lets byte arrays be used where a `RawSpan` is expected. `Span.bytes` counts as unsafe because elements of other
/// types may have padding; bytes have none, and this file is the one place that says so.
extension [UInt8] {
  /// Lends the bytes as a span.
  @inlinable @inline(__always)
  package func withBytes<Result, Failure>(_ body: (RawSpan) throws(Failure) -> Result)
    throws(Failure)
    -> Result
  {
    try body(rawSpan)
  }

  /// The little-endian integer at `offset`.
  package func load<Integer: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Integer.Type
  )
    -> Integer
  {
    withBytes { $0.load(at: offset, as: type) }
  }

  package func checksum(seed: UInt32 = 0) -> UInt32 {
    withBytes { CRC32C.checksum($0, seed: seed) }
  }
}
