import Base

/// Appends replies in RESP2 or RESP3 to those not yet sent.
///
/// `limit` bounds the bytes of all these replies. Output that would exceed it is dropped and
/// `isOverflowing` is set. From then on everything is dropped; the caller that began the reply takes it
/// back and writes an error instead.
///
/// Short output (numbers, nulls, headers, fixed lines) and errors may exceed the limit by `shortReserve`. A
/// connection with many small replies is throttled long before it uses that up
/// (`OutputLimit.backlogByteCount`), so they and the error in place of a reply always fit.
struct ReplyWriter: ~Copyable {
  /// The most bytes of unsent replies of one connection.
  static let defaultLimit = 256 << 20
  static let shortReserve = 2 << 20

  var bytes = ByteBuffer()
  /// Whether the client requested RESP3 (`HELLO 3`).
  var isRESP3 = false
  var limit: Int {
    didSet { if !isOverflowing { room = limit } }
  }
  /// The most bytes that `bytes` may hold: `limit`, or a negative number while the reply is overflowing.
  private var room: Int
  private static let noRoom = Int.min / 2
  var isOverflowing: Bool { room < 0 }
  /// The codes of the errors written, such as `ERR`, for statistics.
  var errorCodes: [String] = []
  /// How many looked-up keys were found, and how many were not.
  private(set) var hitCount = 0
  private(set) var missCount = 0

  init(limit: Int = ReplyWriter.defaultLimit) {
    self.limit = limit
    room = limit
  }

  var count: Int { bytes.count }

  /// The text of the error that replaces a reply.
  static func tooLarge(_ limit: Int) -> String { "the reply would be larger than \(limit) bytes" }

  /// Removes everything after the first `byteCount` bytes, which may be part of a reply. `isOverflowing`
  /// stays set.
  mutating func rewind(to byteCount: Int) { bytes.truncate(to: byteCount) }

  /// Removes a whole reply, which begins after the first `byteCount` bytes, and resets `isOverflowing`.
  mutating func takeBack(to byteCount: Int) {
    bytes.truncate(to: byteCount)
    room = limit
  }

  /// Moves all that `other` holds to the end of this one. O(1) if this one is empty.
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

  /// A simple string. `text` must not contain a line break.
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

  /// A sequence number. Values beyond 63 bits do not occur: reaching them would take centuries.
  mutating func integer(_ value: UInt64) { header(0x3A, Int64(clamping: value)) }

  @inline(__always)
  mutating func bulk(_ value: RawSpan) {
    guard hasRoom(for: value.byteCount) else { return }
    bytes.reserve(value.byteCount &+ 32)
    header(0x24, Int64(value.byteCount))
    bytes.append(value)
    endLine()
  }

  /// A present value as a bulk string, an absent one as null. Counts the look-up.
  @inline(__always)
  mutating func bulkOrNull(_ value: RawSpan?) {
    countLookup(found: value != nil)
    if let value { bulk(value) } else { null() }
  }

  /// Counts keys that were looked up to be read.
  @inline(__always)
  mutating func countLookup(found: Bool, times count: Int = 1) {
    if found { hitCount &+= count } else { missCount &+= count }
  }

  /// Returns and resets the look-up counts.
  mutating func takeLookups() -> (hits: Int, misses: Int) {
    defer { (hitCount, missCount) = (0, 0) }
    return (hitCount, missCount)
  }

  /// Moves the look-up counts of `other` here.
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

  /// A line of the protocol as is.
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

  /// Text in `format`, a word of three letters, as a verbatim string in RESP3; a bulk string in RESP2.
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

  /// A number with a fraction, in decimal: a double in RESP3, a bulk string in RESP2.
  mutating func double(_ text: RawSpan) {
    if isRESP3 { line(0x2C, text) } else { bulk(text) }
  }

  /// An integer of any length, in decimal: a big number in RESP3, a bulk string in RESP2.
  mutating func bigNumber(_ text: RawSpan) {
    guard !isRESP3 else { return line(0x28, text) }
    let clean = [UInt8](copying: text).map { $0 == 0x0D || $0 == 0x0A ? 0x20 : $0 }
    clean.withRawBytes { bulk($0) }
  }

  /// A simple string; line breaks in it become spaces.
  mutating func simple(_ text: RawSpan) { line(0x2B, text) }

  /// An error whose bytes need not be UTF-8; line breaks in it become spaces. An error that was already
  /// counted is recorded without its code.
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

  /// An absent value.
  @inline(__always)
  mutating func null() {
    if isRESP3 { short("_\r\n") } else { short("$-1\r\n") }
  }

  /// An absent array, which RESP2 distinguishes from an absent value.
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

  /// Inserts the header of an array whose elements begin at byte `start`, once their number is known.
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

  /// Appends a copy of the bytes at `range`, such as an element that occurs many times.
  mutating func repeatBytes(at range: Range<Int>) {
    if hasRoom(for: range.count) { bytes.append(copyOf: range) }
  }

  /// An error. `text` begins with its code, such as `ERR`.
  mutating func error(_ text: StaticString) {
    guard hasRoom(forShort: text.utf8CodeUnitCount) else { return }
    let start = count
    bytes.append(0x2D)
    bytes.append(text)
    endLine()
    noteCode(at: start)
  }

  /// An error with a computed text; line breaks in it become spaces.
  mutating func error(_ text: String) {
    guard hasRoom(forShort: text.utf8.count) else { return }
    let start = count
    bytes.append(0x2D)
    for byte in text.utf8 { bytes.append(byte == 0x0D || byte == 0x0A ? 0x20 : byte) }
    endLine()
    noteCode(at: start)
  }

  /// An error that quotes bytes from the client, which need not be UTF-8. Trailing line breaks are removed.
  mutating func error(_ text: borrowing ByteBuffer) {
    text.withBytes { text in
      var end = text.byteCount
      while end > 0, Self.isLineBreak(text.byte(at: end - 1)) { end -= 1 }
      error(text.extracting(first: end))
    }
  }

  /// Records the code of the error at `start`; as in Redis, an error without a code counts as `ERR`.
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

  /// Whether `byteCount` more bytes fit; if not, the reply is overflowing.
  @inline(__always)
  mutating func hasRoom(for byteCount: Int) -> Bool {
    guard bytes.count &+ byteCount <= room else {
      room = Self.noRoom
      return false
    }
    return true
  }

  /// The same for short output of at most a line, and for errors.
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
