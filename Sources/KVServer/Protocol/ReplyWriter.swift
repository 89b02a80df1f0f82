import Base

/// Writes replies in RESP2 or RESP3 behind those not yet sent.
///
/// `limit` bounds what one reply may grow to: what would pass it is dropped and `isOverflowing` is set. Then
/// everything is dropped, and whoever began the reply takes it back and answers with an error in its place.
///
/// What is short (numbers, nulls, heads, fixed lines) and errors may pass the limit by `shortReserve`. A connection's
/// small replies are throttled long before they use that up (`EventLoop.replyByteCountBound`), so that they and the
/// error in place of a reply always fit.
struct ReplyWriter: ~Copyable {
  /// The most bytes of replies that one connection may have waiting.
  static let defaultLimit = 256 << 20
  static let shortReserve = 2 << 20

  var bytes = ByteBuffer()
  /// Whether the client asked for RESP3 (`HELLO 3`).
  var isRESP3 = false
  var limit: Int {
    didSet { if !isOverflowing { room = limit } }
  }
  /// What `bytes` may grow to: `limit`, or less than nothing while the reply is overflowing.
  private var room: Int
  private static let noRoom = Int.min / 2
  var isOverflowing: Bool { room < 0 }
  /// The codes of the errors that were written, as in `ERR`, for whoever counts them.
  var errorCodes: [String] = []
  /// How many looked-up values were there, and how many not.
  private(set) var hitCount = 0
  private(set) var missCount = 0

  init(limit: Int = ReplyWriter.defaultLimit) {
    self.limit = limit
    room = limit
  }

  var count: Int { bytes.count }

  /// What an error says that stands in place of a reply.
  static func tooLarge(_ limit: Int) -> String { "the reply would be larger than \(limit) bytes" }

  /// Takes back everything behind the first `byteCount` bytes, which may be part of a reply: that
  /// something before them was dropped is not forgotten.
  mutating func rewind(to byteCount: Int) { bytes.truncate(to: byteCount) }

  /// Takes back a whole reply, which begins behind the first `byteCount` bytes.
  mutating func takeBack(to byteCount: Int) {
    bytes.truncate(to: byteCount)
    room = limit
  }

  /// Puts all that `other` holds behind what is here: O(1) where nothing is.
  mutating func append(_ other: inout ReplyWriter) {
    if bytes.isEmpty {
      swap(&bytes, &other.bytes)
    } else {
      other.bytes.withBytes { bytes.append($0) }
      other.bytes.truncate(to: 0)
    }
    if other.isOverflowing { room = Self.noRoom }
    errorCodes += other.errorCodes
    addLookups(of: &other)
  }

  /// A simple string. `text` has no line break in it.
  @inline(__always)
  mutating func simple(_ text: StaticString) {
    guard hasRoom(forShort: text.utf8CodeUnitCount) else { return }
    bytes.append(0x2B)
    bytes.append(text)
    endLine()
  }

  mutating func simple(_ text: String) {
    guard hasRoom(forShort: text.utf8.count) else { return }
    bytes.append(0x2B)
    raw(text)
    endLine()
  }

  @inline(__always)
  mutating func ok() { short("+OK\r\n") }

  @inline(__always)
  private mutating func short(_ text: StaticString) {
    if hasRoom(forShort: text.utf8CodeUnitCount) { bytes.append(text) }
  }

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
    countLookup(found: value != nil)
    if let value { bulk(value) } else { null() }
  }

  /// Counts a key that was looked up to be read.
  @inline(__always)
  mutating func countLookup(found: Bool, times count: Int = 1) {
    if found { hitCount &+= count } else { missCount &+= count }
  }

  /// The lookups since the last time.
  mutating func takeLookups() -> (hits: Int, misses: Int) {
    defer { (hitCount, missCount) = (0, 0) }
    return (hitCount, missCount)
  }

  /// Counts the lookups that `other` has counted, and no longer there.
  mutating func addLookups(of other: inout ReplyWriter) {
    let (hits, misses) = other.takeLookups()
    hitCount &+= hits
    missCount &+= misses
  }

  mutating func bulk(_ text: StaticString) {
    guard hasRoom(forShort: text.utf8CodeUnitCount) else { return }
    header(0x24, Int64(text.utf8CodeUnitCount))
    bytes.append(text)
    endLine()
  }

  mutating func bulk(_ text: String) {
    text.withRawBytes { bulk($0) }
  }

  /// A boolean; RESP2 gets 1 or 0.
  mutating func bool(_ value: Bool) {
    if isRESP3 { line(value ? "#t" : "#f") } else { integer(Int64(value ? 1 : 0)) }
  }

  /// A line of the protocol as it is.
  mutating func line(_ text: String) {
    guard hasRoom(forShort: text.utf8.count) else { return }
    raw(text)
    endLine()
  }

  /// Human-readable text: a verbatim string in RESP3, a bulk string in RESP2.
  mutating func verbatim(_ text: String) {
    guard isRESP3, hasRoom(for: text.utf8.count) else { return bulk(text) }
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

  /// An error, as above, of bytes that need not be UTF-8. One that was counted when it came about is noted
  /// without a code.
  mutating func error(_ text: RawSpan, isCounted: Bool = false) {
    guard hasRoom(forShort: text.byteCount) else { return }
    let start = count
    appendLine(0x2D, text)
    if isCounted { errorCodes.append("") } else { noteCode(at: start) }
  }

  private mutating func line(_ kind: UInt8, _ text: RawSpan) {
    if hasRoom(for: text.byteCount) { appendLine(kind, text) }
  }

  private mutating func appendLine(_ kind: UInt8, _ text: RawSpan) {
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
    if isRESP3 { short("_\r\n") } else { short("$-1\r\n") }
  }

  /// The absent array, which RESP2 tells apart from the absent value.
  mutating func nullArray() {
    if isRESP3 { short("_\r\n") } else { short("*-1\r\n") }
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
    insertHeader(0x2A, count, at: start)
  }

  /// The same for a set.
  mutating func insertSetHeader(_ count: Int, at start: Int) {
    insertHeader(isRESP3 ? 0x7E : 0x2A, count, at: start)
  }

  private mutating func insertHeader(_ kind: UInt8, _ count: Int, at start: Int) {
    guard hasRoom(forShort: 24) else { return }
    var header = ByteBuffer()
    header.append(kind)
    DecimalText(Int64(count)).withBytes { header.append($0) }
    header.append("\r\n")
    header.withBytes { bytes.insert($0, at: start) }
  }

  /// Writes once more what stands at `range`, such as an element that comes many times.
  mutating func repeatBytes(at range: Range<Int>) {
    if hasRoom(for: range.count) { bytes.append(copyOf: range) }
  }

  /// An error. `text` begins with its code, like `ERR`.
  mutating func error(_ text: StaticString) {
    guard hasRoom(forShort: text.utf8CodeUnitCount) else { return }
    let start = count
    bytes.append(0x2D)
    bytes.append(text)
    endLine()
    noteCode(at: start)
  }

  /// An error whose text was put together; line breaks in it become spaces.
  mutating func error(_ text: String) {
    guard hasRoom(forShort: text.utf8.count) else { return }
    let start = count
    bytes.append(0x2D)
    for byte in text.utf8 { bytes.append(byte == 0x0D || byte == 0x0A ? 0x20 : byte) }
    endLine()
    noteCode(at: start)
  }

  /// An error that quotes bytes of the client's, which need not be UTF-8. Line breaks at its end are left out.
  mutating func error(_ text: borrowing ByteBuffer) {
    text.withBytes { text in
      var end = text.byteCount
      while end > 0, Self.isLineBreak(text.byte(at: end - 1)) { end -= 1 }
      error(text.extracting(first: end))
    }
  }

  /// Notes the code of the error that stands at `start`; as in Redis, one without a code is an `ERR`.
  private mutating func noteCode(at start: Int) {
    let length = min(32, count - start - 1)
    let space = bytes.firstOffset(of: 0x20, from: start + 1, limit: start + 1 + length)
    let code = space.map { end in
      bytes.withBytes { String(describing: $0.extracting((start + 1)..<end)) }
    }
    errorCodes.append(code ?? "ERR")
  }

  private static func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0D || byte == 0x0A }

  private mutating func raw(_ text: String) {
    text.withRawBytes { bytes.append($0) }
  }

  /// Whether `byteCount` more bytes fit; if not the reply is overflowing.
  @inline(__always)
  mutating func hasRoom(for byteCount: Int) -> Bool {
    guard bytes.count &+ byteCount <= room else {
      room = Self.noRoom
      return false
    }
    return true
  }

  /// The same for what is short, of a line or less, or an error.
  @inline(__always)
  private mutating func hasRoom(forShort byteCount: Int) -> Bool {
    guard bytes.count &+ byteCount <= room &+ Self.shortReserve else {
      room = Self.noRoom
      return false
    }
    return true
  }

  @inline(__always)
  private mutating func header(_ kind: UInt8, _ value: Int64) {
    guard hasRoom(forShort: 24) else { return }
    bytes.reserve(24)
    bytes.append(kind)
    if value >= 0 && value < 1000 {
      appendSmall(UInt32(truncatingIfNeeded: value))
    } else {
      DecimalText(value).withBytes { bytes.append($0) }
    }
    endLine()
  }

  /// The digits of a number below 1000.
  @inline(__always)
  private mutating func appendSmall(_ value: UInt32) {
    if value >= 100 { bytes.append(UInt8(truncatingIfNeeded: value / 100) &+ 0x30) }
    if value >= 10 { bytes.append(UInt8(truncatingIfNeeded: value / 10 % 10) &+ 0x30) }
    bytes.append(UInt8(truncatingIfNeeded: value % 10) &+ 0x30)
  }

  @inline(__always)
  private mutating func endLine() {
    bytes.reserve(2)
    bytes.append(0x0D)
    bytes.append(0x0A)
  }
}
