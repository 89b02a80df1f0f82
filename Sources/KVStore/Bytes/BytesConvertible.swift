/// A value that is bytes, or has bytes, and can be passed as a key or a value.
///
/// Strings are their UTF-8, byte arrays, slices and spans are themselves, and a `Tuple` is its encoding:
///
///     "user:42"                      75 73 65 72 3a 34 32
///     [0x01, 0x02] as [UInt8]        01 02
///     Tuple("user", 42)              02 75 73 65 72 00 15 2a
///
/// The bytes are lent, not copied: a conforming type has them in memory, or makes them once in `withBytes`. Two equal
/// values must lend equal bytes. Strings are an exception that their `==` makes: "é" in one Unicode scalar and "é" in
/// two are equal strings, and different keys.
///
/// The target KVFoundation adds Foundation's `Data`. An enumeration of strings conforms by declaration alone:
///
///     enum Setting: String, BytesConvertible { case theme, language }
public protocol BytesConvertible: ~Copyable, ~Escapable {
  /// Lends the bytes to `body`, whose error or result is passed on. They are valid until `body` returns.
  func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result
}

extension BytesConvertible where Self: RawRepresentable, RawValue: BytesConvertible {
  /// Lends the bytes of the raw value.
  @inlinable
  public func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try rawValue.withBytes(body)
  }
}
