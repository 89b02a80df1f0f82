/// Lends arrays and strings as raw bytes: the standard library marks that view unsafe because other
/// element types may have padding, which bytes have not.

extension [UInt8] {
  @inline(__always)
  func withRawBytes<R: ~Copyable, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    unsafe try body(span.bytes)
  }
}

extension String {
  func withRawBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    try [UInt8](utf8).withRawBytes(body)
  }
}

extension RawSpan {
  /// The byte at `offset`, checked against the bounds.
  @inline(__always)
  func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount)
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// Whether these bytes spell `word`, whatever their case. `word` is in upper case.
  @inline(__always)
  func spells(_ word: StaticString) -> Bool {
    guard byteCount == word.utf8CodeUnitCount else { return false }
    for offset in 0..<byteCount {
      let byte = byte(at: offset)
      let upper = byte >= 0x61 && byte <= 0x7A ? byte & 0xDF : byte
      guard unsafe upper == word.utf8Start[offset] else { return false }
    }
    return true
  }

  /// Whether these bytes equal `other`.
  func equals(_ other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    for offset in 0..<byteCount {
      guard byte(at: offset) == other.byte(at: offset) else {
        return false
      }
    }
    return true
  }
}

extension String {
  /// These bytes as text, for messages; what is not UTF-8 becomes the replacement character.
  init(describing bytes: RawSpan) {
    self = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
