/// Reads byte arrays as a `RawSpan` is read.
extension [UInt8] {
  /// The little-endian integer at `offset`.
  package func load<Integer: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Integer.Type
  )
    -> Integer
  {
    rawSpan.load(at: offset, as: type)
  }

  package func checksum(seed: UInt32 = 0) -> UInt32 {
    CRC32C.checksum(rawSpan, seed: seed)
  }
}
