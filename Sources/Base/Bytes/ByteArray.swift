/// Arrays of bytes where a `RawSpan` is asked for. `Span.bytes` counts as unsafe since other elements may
/// have padding; bytes have none, and this is the one place that says so.
extension [UInt8] {
  /// Lends the bytes.
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
