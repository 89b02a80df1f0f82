import Base
import KVData
import KVStore

/// KEYS, SCAN, RANDOMKEY and DBSIZE: commands that walk over the keys.
///
/// Inside MULTI they see the transaction's own writes, and all other writers wait for them. A key with a
/// damaged value is skipped, counted and logged. A damaged page is an error, because there is no telling which
/// keys it held.
enum Scanning {
  static let commands: [Command] = [
    Command(
      "keys", arity: 2, [.readOnly, .scans], group: "generic",
      "Find all keys matching the given pattern", .read(keys, keys)),
    Command(
      "scan", arity: -2, [.readOnly, .scans], group: "generic",
      "Incrementally iterate the keys space", .read(scan, scan)),
    Command(
      "randomkey", arity: 1, [.readOnly, .scans], group: "generic",
      "Return a random key from the keyspace", .read(randomKey, randomKey)),
    Command(
      "dbsize", arity: 1, [.readOnly, .fast, .scans], group: "server",
      "Return the number of keys in the selected database", .read(countKeys, countKeys)),
  ]

  /// The most keys that one SCAN visits, whatever its COUNT.
  static let largestPage = 10_000

  static func keys<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let pattern = GlobPattern(request.extracting(call[1]))
    guard !pattern.matchesNothing else { return call.reply.array(0) }
    let start = call.reply.count
    var found = 0
    try view.scan(pattern.keys, reverse: false, limit: .max, skipsDamaged: true) { key, _ in
      if pattern.matches(key) {
        call.reply.bulk(key)
        found += 1
      }
      return !call.reply.isOverflowing
    }
    call.reply.insertArrayHeader(found, at: start)
  }

  /// SCAN cursor [MATCH pattern] [COUNT n] [TYPE type]
  ///
  /// Keys are visited in order, so a pattern's literal prefix bounds the walk. A key present throughout the
  /// iteration is returned exactly once. The exception: if the key of a cursor was deleted while the server did
  /// not keep that cursor, the iteration starts over (see `CursorLookup`).
  static func scan<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let cursor = ScanCursors.parse(request.extracting(call[1])) else {
      call.reply.error("ERR invalid cursor")
      return
    }
    guard let options = ScanOptions(from: 2, &call, request) else { return }
    var range = options.pattern?.keys ?? .everything
    let scope = call.server.cursors.keys
    let first = try CursorLookup.position(of: cursor, in: scope, &call) {
      (body) throws(StoreError) in
      try view.scan(range, reverse: false, limit: .max, skipsDamaged: true) { key, _ in body(key) }
    }
    if let first, range.lower.lexicographicallyPrecedes(first) { range.lower = first }
    var page = ByteBuffer()
    var matches: [Range<Int>] = []
    var seen = 0
    var next: [UInt8]?
    let limit = min(options.count, largestPage)
    try view.scanEntries(range, reverse: false, limit: limit + 1, skipsDamaged: true) {
      key, info, _ in
      guard seen < limit else {
        next = [UInt8](copying: key)
        return false
      }
      seen += 1
      if options.accepts(info), options.pattern?.matches(key) ?? true {
        matches.append(page.count..<(page.count + key.byteCount))
        page.append(key)
      }
      return true
    }
    call.reply.array(2)
    let nextCursor = next.map { call.server.cursors.handOut($0, in: scope) } ?? 0
    DecimalText(unsigned: nextCursor).withBytes { call.reply.bulk($0) }
    call.reply.array(matches.count)
    page.withBytes { bytes in
      for match in matches { call.reply.bulk(bytes.extracting(match)) }
    }
  }

  /// A key near a random position between the first and the last. Any key can be returned, but the
  /// probabilities differ: a key after a gap is returned more often.
  static func randomKey<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    var bounds: [[UInt8]] = []
    for reverse in [false, true] {
      try view.scan(.everything, reverse: reverse, limit: 1, skipsDamaged: true) { key, _ in
        bounds.append([UInt8](copying: key))
        return false
      }
    }
    guard bounds.count == 2 else { return call.reply.null() }
    let place = randomKey(between: bounds[0], and: bounds[1])
    var candidates: [[UInt8]] = []
    for range in [KeyRange(from: place), .everything] where candidates.isEmpty {
      try view.scan(range, reverse: false, limit: 32, skipsDamaged: true) { key, _ in
        candidates.append([UInt8](copying: key))
        return true
      }
    }
    guard let chosen = candidates.randomElement() else { return call.reply.null() }
    chosen.withRawBytes { call.reply.bulk($0) }
  }

  private static func randomKey(between first: [UInt8], and last: [UInt8]) -> [UInt8] {
    let shared = zip(first, last).prefix { $0 == $1 }.count
    let low = shared < first.count ? first[shared] : 0
    let high = shared < last.count ? last[shared] : 255
    return first.prefix(shared) + [.random(in: min(low, high)...max(low, high))]
      + (0..<8).map { _ in UInt8.random(in: 0...255) }
  }

  static func countKeys<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    call.reply.integer(Int64(try view.countEntries()))
  }
}

extension GlobPattern {
  /// The range of the keys that can match.
  var keys: KeyRange { .prefix(literalPrefix) }
}

/// The options after the cursor of SCAN, HSCAN and SSCAN.
struct ScanOptions {
  private(set) var pattern: GlobPattern?
  private(set) var count = 10
  private var type: [UInt8]?

  /// Whether the entry has the requested type, if one was requested.
  func accepts(_ info: EntryInfo) -> Bool {
    guard let type else { return true }
    guard let name = info.recordType?.name.description else { return false }
    return name.withRawBytes { $0.equals(type.rawSpan) }
  }

  /// Nil, with the error written, if the options are invalid.
  init?(
    from first: Int, allowsType: Bool = true, _ call: inout Call, _ request: RawSpan
  ) {
    var index = first
    while index < call.count {
      let option = request.extracting(call[index])
      guard index + 1 < call.count else {
        call.syntaxError()
        return nil
      }
      let argument = request.extracting(call[index + 1])
      if option.spells("COUNT") {
        guard let value = parseInteger(argument) else {
          call.notAnInteger()
          return nil
        }
        guard value >= 1 else {
          call.syntaxError()
          return nil
        }
        count = Int(value)
      } else if option.spells("MATCH") {
        let all = GlobPattern(argument)
        pattern = all
      } else if allowsType, option.spells("TYPE") {
        type = [UInt8](copying: argument).map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
      } else {
        call.syntaxError()
        return nil
      }
      index += 2
    }
  }
}
