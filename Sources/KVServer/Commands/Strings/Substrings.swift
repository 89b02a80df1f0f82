import Base
import KVData
import KVStore

/// GETRANGE, its old name SUBSTR, and SETRANGE: parts of a string.
enum Substrings {
  static let commands: [Command] = [
    Command(
      "getrange", arity: 4, [.readOnly], keys: .one, group: "string",
      "Get a substring of the string stored at a key", .read(get, get)),
    Command(
      "substr", arity: 4, [.readOnly], keys: .one, group: "string",
      "Get a substring of the string stored at a key", .read(get, get)),
    Command(
      "setrange", arity: 4, [.write, .readsFirst], keys: .one, group: "string",
      "Overwrite part of a string at key starting at the specified offset", .write(set)),
  ]

  static func get<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let start = parseInteger(request.extracting(call[2])),
      let end = parseInteger(request.extracting(call[3]))
    else { return call.notAnInteger() }
    try view.withValue(of: request.extracting(call[1])) { value in
      guard let value,
        let range = IndexRange.resolve(start, end, count: value.byteCount)
      else { return call.reply.bulk("") }
      call.reply.bulk(value.extracting(range))
    }
  }

  /// SETRANGE key offset value: zeros fill the gap between the old end and `offset`.
  static func set(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    guard let offset = parseInteger(request.extracting(call[2])) else { return call.notAnInteger() }
    guard offset >= 0 else { return call.reply.error("ERR offset is out of range") }
    let part = request.extracting(call[3])
    guard part.byteCount > 0 else {
      let byteCount = try evaluation.withValue(of: key) { value in
        if let value { value.byteCount } else { 0 }
      }
      return call.reply.integer(Int64(byteCount))
    }
    let (end, overflows) = offset.addingReportingOverflow(Int64(part.byteCount))
    let isTooLong = overflows || end > Int64(Limits.valueByteCount)
    var value: [UInt8] = []
    let expiry = try Records.withString(at: key, in: &evaluation) { old, expiry in
      if !isTooLong { value = [UInt8](copying: old, growingTo: Int(end)) }
      return expiry
    }
    guard !isTooLong else { return call.stringTooLong() }
    value.overwrite(at: Int(offset), with: part)
    try Records.rewrite(key, with: value.rawSpan, keeping: expiry, in: &evaluation)
    call.reply.integer(Int64(value.count))
  }
}

/// A pair of inclusive indices, of which negative ones count from the end.
enum IndexRange {
  /// The part of `0..<count` between them, as in Redis; nil if it is empty.
  static func resolve(_ start: Int64, _ end: Int64, count: Int) -> Range<Int>? {
    if start < 0, end < 0, start > end { return nil }
    return resolve(clamping: start, end, count: count)
  }

  /// The same for BITPOS, where two negative indices in the wrong order may still select the first element.
  static func resolve(clamping start: Int64, _ end: Int64, count: Int) -> Range<Int>? {
    let count = Int64(count)
    let first = max(0, start < 0 ? count + start : start)
    let last = min(count - 1, max(0, end < 0 ? count + end : end))
    return first <= last ? Int(first)..<Int(last) + 1 : nil
  }
}

extension [UInt8] {
  /// A copy of `bytes`, padded with zeros to `byteCount`.
  init(copying bytes: RawSpan?, growingTo byteCount: Int) {
    self = []
    reserveCapacity(Swift.max(bytes?.byteCount ?? 0, byteCount))
    if let bytes { append(copying: bytes) }
    grow(to: byteCount)
  }

  /// Pads the bytes with zeros to `byteCount`.
  mutating func grow(to byteCount: Int) {
    if count < byteCount { append(contentsOf: repeatElement(0, count: byteCount - count)) }
  }
}
