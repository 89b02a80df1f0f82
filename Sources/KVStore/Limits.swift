/// What a key, a value and a batch may measure.
public struct Limits {
  /// LMDB takes keys of 511 bytes; one is the keyspace byte, the rest is kept for later.
  public static let keyByteCount = 500
  public static let valueByteCount = 64 << 20
  public static let batchByteCount = 64 << 20
}
