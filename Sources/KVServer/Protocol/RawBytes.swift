import Base

/// Lends arrays and strings as raw bytes. The standard library marks that view unsafe because other element
/// types may have padding; bytes have none.

extension [UInt8] {
  @inline(__always)
  func withRawBytes<R: ~Copyable, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    unsafe try body(span.bytes)
  }

  /// Copies `bytes` over the existing bytes at `offset`.
  mutating func overwrite(at offset: Int, with bytes: RawSpan) {
    var elements = mutableSpan
    var span = unsafe elements.mutableBytes
    span.copy(bytes, at: offset)
  }

  /// Replaces these bytes by `combine` of them and of `other`, eight at a time. `other` must not be longer;
  /// missing bytes count as zero.
  @inline(__always)
  mutating func combine(with other: RawSpan, _ combine: (UInt64, UInt64) -> UInt64) {
    var elements = mutableSpan
    var span = unsafe elements.mutableBytes
    let count = span.byteCount
    var offset = 0
    while offset &+ 8 <= other.byteCount {
      let word = combine(
        span.bytes.load(at: offset, as: UInt64.self), other.load(at: offset, as: UInt64.self))
      span.store(word, at: offset)
      offset &+= 8
    }
    while offset < count {
      let byte = offset < other.byteCount ? other.byte(at: offset) : 0
      let word = combine(UInt64(span.bytes.byte(at: offset)), UInt64(byte))
      span.store(UInt8(truncatingIfNeeded: word), at: offset)
      offset &+= 1
    }
  }
}

extension String {
  func withRawBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
    try [UInt8](utf8).withRawBytes(body)
  }
}

extension RawSpan {
  /// The byte at `offset`, bounds-checked.
  @inline(__always)
  func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < byteCount)
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// Whether these bytes equal `word`, ignoring case. `word` must be in upper case.
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

  /// The part of these bytes that an error message quotes: up to the first zero byte, because Redis prints
  /// C strings.
  @_lifetime(copy self)
  func quoted(atMost limit: Int) -> RawSpan {
    var count = 0
    while count < min(byteCount, limit), byte(at: count) != 0 { count += 1 }
    return extracting(first: count)
  }

  /// A hash that is valid only within this process.
  var hash: Int {
    unsafe withUnsafeBytes { bytes in
      var hasher = Hasher()
      unsafe hasher.combine(bytes: bytes)
      return hasher.finalize()
    }
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
  /// These bytes as text for messages; invalid UTF-8 becomes the replacement character.
  init(describing bytes: RawSpan) {
    self = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
