import Base
import KVStore

/// One operation of BITFIELD.
///
///     GET type offset | SET type offset value | INCRBY type offset increment
///
/// `OVERFLOW WRAP | SAT | FAIL` sets how the operations after it treat numbers that do not fit.
struct BitFieldOperation {
  enum Kind {
    case get
    case set(Int64)
    case increment(Int64)
  }

  let kind: Kind
  let field: BitField
  let offset: Int
  let overflow: BitField.Overflow

  var writes: Bool {
    if case .get = kind { return false }
    return true
  }

  /// The position after the field's last bit.
  var end: Int { offset + field.width }

  /// All operations of a request, or nil with the error written.
  static func parse(_ call: inout Call, _ request: RawSpan) -> [BitFieldOperation]? {
    var operations: [BitFieldOperation] = []
    var overflow = BitField.Overflow.wrap
    var index = 2
    while index < call.count {
      let word = request.extracting(call[index])
      let left = call.count - index - 1
      if word.spells("OVERFLOW"), left >= 1 {
        guard let named = self.overflow(request.extracting(call[index + 1])) else {
          call.reply.error("ERR Invalid OVERFLOW type specified")
          return nil
        }
        overflow = named
        index += 2
        continue
      }
      let isGet = word.spells("GET") && left >= 2
      let isSet = word.spells("SET") && left >= 3
      guard isGet || isSet || (word.spells("INCRBY") && left >= 3) else {
        call.syntaxError()
        return nil
      }
      guard let field = BitField(request.extracting(call[index + 1])) else {
        call.reply.error(
          "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
        )
        return nil
      }
      let position = request.extracting(call[index + 2])
      guard let offset = Bits.offset(position, width: field.width, &call) else { return nil }
      var kind = Kind.get
      if !isGet {
        guard let number = parseInteger(request.extracting(call[index + 3])) else {
          call.notAnInteger()
          return nil
        }
        kind = isSet ? .set(number) : .increment(number)
      }
      operations.append(
        BitFieldOperation(kind: kind, field: field, offset: offset, overflow: overflow))
      index += isGet ? 3 : 4
    }
    return operations
  }

  private static func overflow(_ word: RawSpan) -> BitField.Overflow? {
    if word.spells("WRAP") { return .wrap }
    if word.spells("SAT") { return .saturate }
    if word.spells("FAIL") { return .fail }
    return nil
  }

  /// Runs the operation on `bytes`, which must be long enough for what it writes. Returns its reply; nil stands
  /// for null, the reply to an overflow under FAIL.
  func run(on bytes: inout [UInt8]) -> Int64? {
    let old = field.read(bytes.rawSpan, at: offset)
    switch kind {
    case .get: return old
    case .set(let number):
      guard let new = field.fitting(number, overflow) else { return nil }
      field.write(new, to: &bytes, at: offset)
      return old
    case .increment(let increment):
      guard let new = field.sum(old, increment, overflow) else { return nil }
      field.write(new, to: &bytes, at: offset)
      return new
    }
  }
}
