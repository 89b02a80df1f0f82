import Base

// Values from lent bytes. The standard library has both initializers for arrays and buffers, not for spans.

extension [UInt8] {
  /// A copy of `bytes`. O(n).
  public init(_ bytes: RawSpan) {
    self.init(copying: bytes)
  }
}

extension String {
  /// The text of which `bytes` are the UTF-8, or nil if they are not well-formed UTF-8. O(n).
  ///
  ///     let name = String(validating: value, as: UTF8.self)
  ///
  /// This is `String(validating:as:)` of the standard library for a span.
  public init?(validating bytes: RawSpan, as encoding: UTF8.Type) {
    let text: String? = unsafe bytes.withUnsafeBytes { bytes in
      do {
        return String(
          copying: try UTF8Span(validating: unsafe bytes.assumingMemoryBound(to: UInt8.self).span))
      } catch {
        return nil
      }
    }
    guard let text else { return nil }
    self = text
  }
}
