import KVStore

/// BITCOUNT and BITPOS: counting and finding bits, in a range of bytes or of bits.
///
/// The checks are in Redis's order, which is visible if the key is absent and the range malformed.
enum BitSearch {
  static let commands: [Command] = [
    Command(
      "bitcount", arity: -2, [.readOnly], keys: .one, group: "bitmap",
      "Count set bits in a string", .read(count, count)),
    Command(
      "bitpos", arity: -3, [.readOnly], keys: .one, group: "bitmap",
      "Find first bit set or clear in a string", .read(position, position)),
  ]

  /// BITCOUNT key [start end [BYTE | BIT]]
  static func count<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try view.withValue(of: request.extracting(call[1])) { value in
      guard let value else { return call.reply.integer(Int64(0)) }
      var bits: Range<Int>? = 0..<value.byteCount * 8
      switch call.count {
      case 2: break
      case 4, 5:
        guard let start = parseInteger(request.extracting(call[2])),
          let end = parseInteger(request.extracting(call[3]))
        else { return call.notAnInteger() }
        if start < 0, end < 0, start > end { return call.reply.integer(Int64(0)) }
        guard let unit = unit(at: 4, &call, request) else { return }
        bits = range(start, end, unit, in: value)
      default: return call.syntaxError()
      }
      call.reply.integer(Int64(bits.map { BitScan(value).countOfOnes(in: $0) } ?? 0))
    }
  }

  /// BITPOS key bit [start [end [BYTE | BIT]]]
  ///
  /// If no end is given, the string counts as followed by zeros.
  static func position<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let bit = parseInteger(request.extracting(call[2])) else { return call.notAnInteger() }
    guard bit == 0 || bit == 1 else {
      return call.reply.error("ERR The bit argument must be 1 or 0.")
    }
    try view.withValue(of: request.extracting(call[1])) { value in
      guard let value else { return call.reply.integer(-bit) }
      guard call.count <= 6 else { return call.syntaxError() }
      var start: Int64 = 0
      var end: Int64 = -1
      if call.count > 3 {
        guard let number = parseInteger(request.extracting(call[3])) else {
          return call.notAnInteger()
        }
        start = number
      }
      guard let unit = unit(at: 5, &call, request) else { return }
      if call.count > 4 {
        guard let number = parseInteger(request.extracting(call[4])) else {
          return call.notAnInteger()
        }
        end = number
      }
      guard let bits = range(start, end, unit, in: value) else {
        return call.reply.integer(Int64(-1))
      }
      if let found = BitScan(value).first(bit == 1, in: bits) {
        call.reply.integer(Int64(found))
      } else {
        call.reply.integer(bit == 0 && call.count < 5 ? Int64(bits.upperBound) : -1)
      }
    }
  }

  private enum Unit: Int {
    case bits = 1
    case bytes = 8
  }

  /// The unit that argument `index` names; bytes if there is no such argument. Nil, with the error written, if
  /// it names no unit.
  private static func unit(at index: Int, _ call: inout Call, _ request: RawSpan) -> Unit? {
    guard index < call.count else { return .bytes }
    let word = request.extracting(call[index])
    if word.spells("BIT") { return .bits }
    if word.spells("BYTE") { return .bytes }
    call.syntaxError()
    return nil
  }

  /// The bits between two inclusive indices, counted in `unit`; nil if there are none.
  private static func range(
    _ start: Int64, _ end: Int64, _ unit: Unit, in value: RawSpan
  ) -> Range<Int>? {
    let count = value.byteCount * 8 / unit.rawValue
    guard let range = IndexRange.resolve(clamping: start, end, count: count) else { return nil }
    return range.lowerBound * unit.rawValue..<range.upperBound * unit.rawValue
  }
}
