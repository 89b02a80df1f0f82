import Base
import KVData
import KVStore

/// SETBIT and GETBIT: one bit of a string. Bit 0 is the most significant bit of the first byte.
enum Bits {
  /// The commands of Redis's group "bitmap".
  static let all = commands + BitSearch.commands + BitOperations.commands + BitFields.commands

  static let commands: [Command] = [
    Command(
      "setbit", arity: 4, [.write, .readsFirst], keys: .one, group: "bitmap",
      "Sets or clears the bit at offset in the string value stored at key", .write(set)),
    Command(
      "getbit", arity: 3, [.readOnly, .fast], keys: .one, group: "bitmap",
      "Returns the bit value at offset in the string value stored at key", .read(get, get)),
  ]

  /// As in Redis, a bit that already has its value is not written, unless the string must grow.
  static func set(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    guard let bit = offset(request.extracting(call[2]), &call) else { return }
    guard let wanted = parseInteger(request.extracting(call[3])), wanted == 0 || wanted == 1 else {
      return call.reply.error("ERR bit is not an integer or out of range")
    }
    var changed: [UInt8]?
    var old: UInt8 = 0
    let mask = UInt8(0x80) >> UInt8(bit & 7)
    let expiry = try Records.withString(at: key, in: &evaluation) { value, expiry in
      let isThere = bit >> 3 < value?.byteCount ?? 0
      if let value, isThere { old = value.byte(at: bit >> 3) & mask == 0 ? 0 : 1 }
      if !isThere || Int64(old) != wanted {
        changed = [UInt8](copying: value, growingTo: bit >> 3 + 1)
      }
      return expiry
    }
    if var changed {
      if wanted == 1 { changed[bit >> 3] |= mask } else { changed[bit >> 3] &= ~mask }
      try Records.rewrite(key, with: changed.rawSpan, keeping: expiry, in: &evaluation)
    }
    call.reply.integer(Int64(old))
  }

  static func get<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let bit = offset(request.extracting(call[2]), &call) else { return }
    let isSet = try view.withValue(of: request.extracting(call[1])) { value in
      guard let value, bit >> 3 < value.byteCount else { return false }
      return value.byte(at: bit >> 3) & (0x80 >> UInt8(bit & 7)) != 0
    }
    call.reply.integer(isSet ? Int64(1) : 0)
  }

  /// Parses the index of a bit within the longest possible value. Nil, with the error written, if it is not
  /// one.
  ///
  /// - Parameter width: if given, `#n` is field number n, in fields of this many bits.
  static func offset(_ text: RawSpan, width: Int? = nil, _ call: inout Call) -> Int? {
    var number: Int64?
    if let width, text.byteCount > 0, text.byte(at: 0) == 0x23 {
      number = parseInteger(text.extracting(1..<text.byteCount)).flatMap {
        let (product, overflows) = $0.multipliedReportingOverflow(by: Int64(width))
        return overflows ? nil : product
      }
    } else {
      number = parseInteger(text)
    }
    guard let number, number >= 0, number >> 3 < Int64(Limits.valueByteCount) else {
      call.reply.error("ERR bit offset is not an integer or out of range")
      return nil
    }
    return Int(number)
  }
}
