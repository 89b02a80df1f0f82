import Base
import KVData
import KVStore

/// kvd's own commands on the order of keys.
///
/// A range includes its start and excludes its end. `-` stands for the beginning of all keys and `+` for their
/// end. A leading `=` is removed from a bound, so that every key can be written: `=-` is the key `-`, `==` the
/// key `=`.
///
/// A page holds at most `limit` entries and about `pageByteCount` bytes, so the memory of a reply is bounded
/// whatever the range. After a full page, the client asks again from after its last key.
enum Ordered {
  static let commands: [Command] = [
    Command(
      "kv.range", arity: -3, [.readOnly, .scans], group: "kvd",
      "Get the entries of a range of keys in order: start end [LIMIT n] [KEYS]",
      categories: .keyspace, .read(range, range)),
    Command(
      "kv.revrange", arity: -3, [.readOnly, .scans], group: "kvd",
      "Get the entries of a range of keys in reverse order: start end [LIMIT n] [KEYS]",
      categories: .keyspace, .read(reverseRange, reverseRange)),
    Command(
      "kv.prefix", arity: -2, [.readOnly, .scans], group: "kvd",
      "Get the entries whose keys have a prefix: prefix [LIMIT n] [REV] [KEYS]",
      categories: .keyspace, .read(prefix, prefix)),
    Command(
      "kv.delrange", arity: 3, [.write, .deletes], group: "kvd",
      "Delete a range of keys: start end",
      categories: .keyspace, .write(deleteRange)),
    Command(
      "kv.delprefix", arity: 2, [.write, .deletes], group: "kvd",
      "Delete the keys that have a prefix",
      categories: .keyspace, .write(deletePrefix)),
  ]

  static let defaultLimit = 1_000
  static let largestLimit = 100_000
  /// A page ends with the entry that reaches this size.
  static let pageByteCount = 64 << 20

  static func range<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try page(&view, reverse: false, &call, request)
  }

  static func reverseRange<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try page(&view, reverse: true, &call, request)
  }

  private static func page<V: View & ~Copyable>(
    _ view: inout V, reverse: Bool, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let options = PageOptions(from: 3, allowsReverse: false, &call, request) else { return }
    let range = bounds(request.extracting(call[1]), request.extracting(call[2]))
    try reply(with: range, of: &view, reverse: reverse, options, &call)
  }

  static func prefix<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let options = PageOptions(from: 2, allowsReverse: true, &call, request) else { return }
    let range = KeyRange.prefix([UInt8](copying: request.extracting(call[1])))
    try reply(with: range, of: &view, reverse: options.isReverse, options, &call)
  }

  private static func reply<V: View & ~Copyable>(
    with range: KeyRange?, of view: inout V, reverse: Bool, _ options: PageOptions,
    _ call: inout Call
  ) throws(StoreError) {
    let start = call.reply.count
    var elements = 0
    if let range, options.limit > 0 {
      try view.scanEntries(
        range, reverse: reverse, limit: options.limit, skipsDamaged: true
      ) { key, info, value in
        call.reply.bulk(key)
        elements += 1
        if !options.keysOnly {
          if info.recordType == .string { call.reply.bulk(value) } else { call.reply.null() }
          elements += 1
        }
        return call.reply.count - start < pageByteCount && !call.reply.isOverflowing
      }
    }
    call.reply.insertArrayHeader(elements, at: start)
  }

  static func deleteRange(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    if let range = bounds(request.extracting(call[1]), request.extracting(call[2])) {
      try evaluation.deleteRange(range)
    }
    call.reply.ok()
  }

  static func deletePrefix(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try evaluation.deleteRange(.prefix([UInt8](copying: request.extracting(call[1]))))
    call.reply.ok()
  }

  /// The range between two bounds, or nil if nothing can be in it.
  static func bounds(_ start: RawSpan, _ end: RawSpan) -> KeyRange? {
    var lower: [UInt8] = []
    var upper: [UInt8]?
    switch bound(start) {
    case .lowest: break
    case .highest: return nil
    case .key(let key): lower = key
    }
    switch bound(end) {
    case .lowest: return nil
    case .highest: upper = nil
    case .key(let key): upper = key
    }
    if let upper, !lower.lexicographicallyPrecedes(upper) { return nil }
    return KeyRange(from: lower, to: upper)
  }

  private enum Bound {
    case lowest
    case highest
    case key([UInt8])
  }

  private static func bound(_ text: RawSpan) -> Bound {
    guard text.byteCount > 0 else { return .key([]) }
    switch text.byte(at: 0) {
    case 0x2D where text.byteCount == 1: return .lowest
    case 0x2B where text.byteCount == 1: return .highest
    case 0x3D: return .key([UInt8](copying: text.extracting(droppingFirst: 1)))
    default: return .key([UInt8](copying: text))
    }
  }
}

/// The options of a page of entries: LIMIT n, KEYS (or FIELDS), and REV if allowed.
struct PageOptions {
  private(set) var limit = Ordered.defaultLimit
  private(set) var keysOnly = false
  private(set) var isReverse = false

  /// Nil, with the error written, if the options are invalid.
  init?(
    from first: Int, allowsReverse: Bool, keys: StaticString = "KEYS", _ call: inout Call,
    _ request: RawSpan
  ) {
    var index = first
    while index < call.count {
      let option = request.extracting(call[index])
      if option.spells("LIMIT"), index + 1 < call.count {
        guard let value = parseInteger(request.extracting(call[index + 1])), value >= 0 else {
          call.notAnInteger()
          return nil
        }
        guard value <= Ordered.largestLimit else {
          call.reply.error("ERR LIMIT exceeds the maximum of \(Ordered.largestLimit)")
          return nil
        }
        limit = Int(value)
        index += 1
      } else if option.spells(keys) {
        keysOnly = true
      } else if allowsReverse, option.spells("REV") {
        isReverse = true
      } else {
        call.syntaxError()
        return nil
      }
      index += 1
    }
  }
}
