/// Writes replies in RESP2 or RESP3 behind those not yet sent.
///
/// `limit` bounds what one reply may grow to: beyond it the bytes are dropped and `isOverflowing` is
/// set, and whoever began the reply takes it back and answers with an error in its place.
struct ReplyWriter: ~Copyable {
  /// The most bytes of replies that one connection may have waiting.
  static let defaultLimit = 256 << 20

  var bytes = ByteBuffer()
  /// Whether the client asked for RESP3 (`HELLO 3`).
  var isRESP3 = false
  private(set) var isOverflowing = false
  var limit = ReplyWriter.defaultLimit

  var count: Int { bytes.count }

  /// Takes back everything behind the first `byteCount` bytes, which may be part of a reply: that
  /// something before them was dropped is not forgotten.
  mutating func rewind(to byteCount: Int) { bytes.truncate(to: byteCount) }

  /// Takes back a whole reply, which begins behind the first `byteCount` bytes.
  mutating func takeBack(to byteCount: Int) {
    bytes.truncate(to: byteCount)
    isOverflowing = false
  }

  /// A simple string. `text` has no line break in it.
  @inline(__always)
  mutating func simple(_ text: StaticString) {
    bytes.append(0x2B)
    bytes.append(text)
    endLine()
  }

  mutating func simple(_ text: String) {
    bytes.append(0x2B)
    raw(text)
    endLine()
  }

  @inline(__always)
  mutating func ok() { bytes.append("+OK\r\n") }

  @inline(__always)
  mutating func integer(_ value: Int64) { header(0x3A, value) }

  /// A sequence number. Those beyond 63 bits never occur: they would take centuries to reach.
  mutating func integer(_ value: UInt64) { header(0x3A, Int64(clamping: value)) }

  @inline(__always)
  mutating func bulk(_ value: RawSpan) {
    guard hasRoom(for: value.byteCount) else { return }
    bytes.reserve(value.byteCount &+ 32)
    header(0x24, Int64(value.byteCount))
    bytes.append(value)
    endLine()
  }

  /// The bulk of a present value, the null of an absent one.
  @inline(__always)
  mutating func bulkOrNull(_ value: RawSpan?) {
    if let value { bulk(value) } else { null() }
  }

  mutating func bulk(_ text: StaticString) {
    header(0x24, Int64(text.utf8CodeUnitCount))
    bytes.append(text)
    endLine()
  }

  mutating func bulk(_ text: String) {
    text.withRawBytes { bulk($0) }
  }

  /// Human-readable text: a verbatim string in RESP3, a bulk string in RESP2.
  mutating func verbatim(_ text: String) {
    guard isRESP3 else { return bulk(text) }
    header(0x3D, Int64(text.utf8.count + 4))
    bytes.append("txt:")
    raw(text)
    endLine()
  }

  /// Text of a format, a word of three letters, in RESP3; a bulk string in RESP2.
  mutating func verbatim(_ text: RawSpan, format: RawSpan) {
    guard isRESP3, hasRoom(for: text.byteCount) else { return bulk(text) }
    header(0x3D, Int64(text.byteCount + 4))
    for offset in 0..<3 {
      bytes.append(offset < format.byteCount ? format.byte(at: offset) : 0x20)
    }
    bytes.append(0x3A)
    bytes.append(text)
    endLine()
  }

  /// True or false in RESP3; one or zero in RESP2.
  mutating func boolean(_ value: Bool) {
    guard isRESP3 else { return integer(Int64(value ? 1 : 0)) }
    bytes.append(value ? "#t\r\n" : "#f\r\n")
  }

  /// A number that is no integer, written in decimal: of a type of its own in RESP3.
  mutating func double(_ text: RawSpan) {
    if isRESP3 { line(0x2C, text) } else { bulk(text) }
  }

  /// An integer of any length, written in decimal: of a type of its own in RESP3.
  mutating func bigNumber(_ text: RawSpan) {
    guard !isRESP3 else { return line(0x28, text) }
    let clean = [UInt8](copying: text).map { $0 == 0x0D || $0 == 0x0A ? 0x20 : $0 }
    clean.withRawBytes { bulk($0) }
  }

  /// A simple string; line breaks in it become spaces.
  mutating func simple(_ text: RawSpan) { line(0x2B, text) }

  /// An error, as above, of bytes that need not be UTF-8.
  mutating func error(_ text: RawSpan) { line(0x2D, text) }

  private mutating func line(_ kind: UInt8, _ text: RawSpan) {
    guard hasRoom(for: text.byteCount) else { return }
    bytes.append(kind)
    for offset in 0..<text.byteCount {
      let byte = text.byte(at: offset)
      bytes.append(byte == 0x0D || byte == 0x0A ? 0x20 : byte)
    }
    endLine()
  }

  /// The absent value.
  @inline(__always)
  mutating func null() {
    if isRESP3 { bytes.append("_\r\n") } else { bytes.append("$-1\r\n") }
  }

  /// The absent array, which RESP2 tells apart from the absent value.
  mutating func nullArray() {
    if isRESP3 { bytes.append("_\r\n") } else { bytes.append("*-1\r\n") }
  }

  @inline(__always)
  mutating func array(_ count: Int) { header(0x2A, Int64(count)) }

  /// A map of `count` pairs; RESP2 gets a flat array.
  mutating func map(_ count: Int) {
    if isRESP3 { header(0x25, Int64(count)) } else { header(0x2A, Int64(count * 2)) }
  }

  mutating func set(_ count: Int) {
    if isRESP3 { header(0x7E, Int64(count)) } else { header(0x2A, Int64(count)) }
  }

  /// Puts the header of an array whose elements stand from byte `start` on, once they are counted.
  mutating func insertArrayHeader(_ count: Int, at start: Int) {
    guard !isOverflowing else { return }
    var header = ByteBuffer()
    header.append(0x2A)
    DecimalText(Int64(count)).withBytes { header.append($0) }
    header.append("\r\n")
    header.withBytes { bytes.insert($0, at: start) }
  }

  /// An error. `text` begins with its code, like `ERR`.
  mutating func error(_ text: StaticString) {
    bytes.append(0x2D)
    bytes.append(text)
    endLine()
  }

  /// An error whose text was put together; line breaks in it become spaces.
  mutating func error(_ text: String) {
    bytes.append(0x2D)
    for byte in text.utf8 { bytes.append(byte == 0x0D || byte == 0x0A ? 0x20 : byte) }
    endLine()
  }

  /// An error that quotes bytes of the client's, which need not be UTF-8.
  mutating func error(_ text: borrowing ByteBuffer) {
    text.withBytes { error($0) }
  }

  private mutating func raw(_ text: String) {
    text.withRawBytes { bytes.append($0) }
  }

  @inline(__always)
  private mutating func hasRoom(for byteCount: Int) -> Bool {
    guard bytes.count &+ byteCount <= limit else {
      isOverflowing = true
      return false
    }
    return true
  }

  @inline(__always)
  private mutating func header(_ kind: UInt8, _ value: Int64) {
    bytes.reserve(24)
    bytes.append(kind)
    if value >= 0 && value < 10 {
      bytes.append(UInt8(truncatingIfNeeded: value) &+ 0x30)
    } else {
      DecimalText(value).withBytes { bytes.append($0) }
    }
    endLine()
  }

  @inline(__always)
  private mutating func endLine() { bytes.append("\r\n") }
}
