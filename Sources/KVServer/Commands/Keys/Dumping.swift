import Base
import KVData
import KVStore

/// DUMP and RESTORE.
enum Dumping {
  static let commands: [Command] = [
    Command(
      "dump", arity: 2, [.readOnly, .scans], keys: .one, group: "generic",
      "Return a serialized version of the value stored at the specified key", .cut(dump, dump)),
    Command(
      "restore", arity: -4, [.write, .readsFirst], keys: .one, group: "generic",
      "Create a key using the provided serialized value, previously obtained using DUMP",
      .prepared(inspect, restore)),
  ]

  /// Builds the whole dump in memory. It may be as large as a batch that could restore it.
  private static func dump<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    var bytes: [UInt8] = []
    let type = try view.withEntry(of: key) { info, value -> RecordType? in
      guard let info else { return nil }
      if info.recordType == .string {
        bytes.append(ValueDump.Kind.string.rawValue)
        ValueDump.appendString(value, to: &bytes)
      }
      return info.recordType
    }
    guard let type else { return call.reply.null() }
    if type != .string, let map = try view.map(at: key, type: type) {
      bytes.append((type == .map ? ValueDump.Kind.map : .set).rawValue)
      ValueDump.appendCount(map.count, to: &bytes)
      try map.walk(in: &view) { field, value in
        ValueDump.appendString(field, to: &bytes)
        if type == .map { ValueDump.appendString(value, to: &bytes) }
        return bytes.count <= Limits.batchByteCount
      }
    }
    guard bytes.count <= Limits.batchByteCount else {
      throw .batchTooLarge(byteCount: bytes.count, limit: Limits.batchByteCount)
    }
    ValueDump.appendFooter(to: &bytes)
    call.reply.bulk(bytes.rawSpan)
  }

  /// Validates the dump, which takes long if it has 64 MiB, before other writers have to wait.
  private static func inspect(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.dumped = DumpedValue.find(in: request.extracting(call[3]))
  }

  /// RESTORE key ttl dump [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
  private static func restore(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let options = RestoreOptions(&call, request) else { return }
    let key = request.extracting(call[1])
    if try evaluation.exists(key), !options.replaces {
      return call.reply.error("BUSYKEY Target key name already exists.")
    }
    guard let time = parseInteger(request.extracting(call[2])) else { return call.notAnInteger() }
    guard time >= 0 else { return call.reply.error("ERR Invalid TTL value, must be >= 0") }
    let content: DumpedValue
    switch call.dumped {
    case .unsound: return call.reply.error("ERR DUMP payload version or checksum are wrong")
    case .malformed: return call.reply.error("ERR Bad data format")
    case .tooLarge(let byteCount):
      throw .batchTooLarge(byteCount: byteCount, limit: Limits.batchByteCount)
    case .value(let value): content = value
    }
    let now = evaluation.now
    let start = options.isAbsolute ? call.store.clockLead : now
    let expiry = time == 0 ? 0 : UInt64(time).addingReportingOverflow(start).partialValue
    if expiry != 0, expiry <= now {
      try Records.remove(key, in: &evaluation)
    } else {
      try content.put(
        at: key, expiry: expiry, from: request.extracting(call[3]), in: &evaluation)
    }
    call.reply.ok()
  }
}

/// The options of RESTORE. IDLETIME and FREQ are validated but have no effect.
private struct RestoreOptions {
  private(set) var replaces = false
  private(set) var isAbsolute = false

  /// Nil, with the error written, if the options are invalid.
  init?(_ call: inout Call, _ request: RawSpan) {
    var isIdleTold = false
    var isFrequencyTold = false
    var index = 4
    while index < call.count {
      let option = request.extracting(call[index])
      let hasMore = index + 1 < call.count
      if option.spells("REPLACE") {
        replaces = true
      } else if option.spells("ABSTTL") {
        isAbsolute = true
      } else if option.spells("IDLETIME"), hasMore, !isFrequencyTold {
        index += 1
        isIdleTold = true
        guard Self.isWithin(0...Int64.max, index, "IDLETIME value, must be >= 0", &call, request)
        else { return nil }
      } else if option.spells("FREQ"), hasMore, !isIdleTold {
        index += 1
        isFrequencyTold = true
        guard
          Self.isWithin(0...255, index, "FREQ value, must be >= 0 and <= 255", &call, request)
        else { return nil }
      } else {
        call.syntaxError()
        return nil
      }
      index += 1
    }
  }

  private static func isWithin(
    _ bounds: ClosedRange<Int64>, _ index: Int, _ words: String, _ call: inout Call,
    _ request: RawSpan
  ) -> Bool {
    guard let number = parseInteger(request.extracting(call[index])) else {
      call.notAnInteger()
      return false
    }
    if !bounds.contains(number) { call.reply.error("ERR Invalid \(words)") }
    return bounds.contains(number)
  }
}
