import KVData
import KVStore

/// OBJECT: how a value is stored, in Redis's terms, as far as they apply here.
enum ObjectCommand {
  static let command = Command(
    container: "object", group: "generic", "A container for object introspection commands",
    subcommands: [
      Command(
        "object|encoding", arity: 3, [.readOnly], keys: .subject, group: "generic",
        "Inspect the internal encoding of a Redis object", .cut(at: 2, encoding, encoding)),
      Command(
        "object|freq", arity: 3, [.readOnly], keys: .subject, group: "generic",
        "Get the logarithmic access frequency counter of a Redis object",
        .read(frequency, frequency)),
      Command(
        "object|idletime", arity: 3, [.readOnly], keys: .subject, group: "generic",
        "Get the time since a Redis object was last accessed", .read(idleTime, idleTime)),
      Command(
        "object|refcount", arity: 3, [.readOnly], keys: .subject, group: "generic",
        "Get the number of references to the value of the key",
        .read(referenceCount, referenceCount)),
      Command(
        "object|help", arity: 2, [], group: "generic",
        "Show helpful text about the different subcommands",
        ContainerCommand.help("object", help)),
    ])

  private static let help = [
    "ENCODING <key>",
    "    Return the kind of internal representation used in order to store the value",
    "    associated with a <key>.",
    "FREQ <key>",
    "    Return the access frequency index of the <key>. The returned integer is",
    "    proportional to the logarithm of the recent access frequency of the key.",
    "IDLETIME <key>",
    "    Return the idle time of the <key>, that is the approximated number of",
    "    seconds elapsed since the last access to the key.",
    "REFCOUNT <key>",
    "    Return the number of references of the value associated with the specified",
    "    <key>.",
  ]

  /// The encoding that Redis would choose for the value if it were stored at once. It says nothing about kvd's
  /// store, but some programs ask for it.
  private static func encoding<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let limits = call.server.live.current.encodings
    if let name = try encoding(of: request.extracting(call[2]), limits, &view) {
      call.reply.bulk(name)
    } else {
      call.reply.null()
    }
  }

  /// Nil if there is no such key.
  static func encoding<V: EntryView & ~Copyable>(
    of key: RawSpan, _ limits: Encodings, _ view: inout V
  ) throws(StoreError) -> String? {
    let found = try view.withEntry(of: key) { info, value in
      info.map { (type: $0.recordType, string: stringEncoding(value)) }
    }
    guard let found else { return nil }
    switch found.type {
    case nil: return "unknown"
    case .string: return found.string
    case .map, .set:
      let isSet = found.type == .set
      guard let map = try view.map(at: key, type: isSet ? .set : .map),
        try isPacked(map, isSet: isSet, limits, &view)
      else { return "hashtable" }
      return isSet ? "intset" : "listpack"
    }
  }

  /// Whether Redis would use a compact encoding, as it does for a small map or a small set of integers.
  private static func isPacked<V: EntryView & ~Copyable>(
    _ map: FoundMap, isSet: Bool, _ limits: Encodings, _ view: inout V
  ) throws(StoreError) -> Bool {
    guard map.count <= (isSet ? limits.intsetEntries : limits.listpackEntries) else { return false }
    let most = limits.listpackValueByteCount
    var isPacked = true
    try map.walk(limit: mostLookedAt, in: &view) { field, value in
      isPacked =
        isSet ? parseInteger(field) != nil : field.byteCount <= most && value.byteCount <= most
      return isPacked
    }
    return isPacked
  }

  private static let embeddedByteCount = 44
  /// How many entries are checked; those after them are assumed to qualify.
  private static let mostLookedAt = 100_000

  private static func stringEncoding(_ value: RawSpan) -> String {
    if value.byteCount <= 20, parseInteger(value) != nil { return "int" }
    return value.byteCount <= embeddedByteCount ? "embstr" : "raw"
  }

  private static func referenceCount<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let exists = try view.withEntry(of: request.extracting(call[2])) { info, _ in info != nil }
    if exists { call.reply.integer(Int64(1)) } else { call.reply.null() }
  }

  private static func idleTime<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try refuse(
      "ERR idle times are not tracked: every read would need a write", &view, &call, request)
  }

  private static func frequency<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try refuse(
      "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when "
        + "switching between policies at runtime LRU and LFU data will take some time to adjust.",
      &view, &call, request)
  }

  private static func refuse<V: View & ~Copyable>(
    _ reason: String, _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let exists = try view.withEntry(of: request.extracting(call[2])) { info, _ in info != nil }
    if exists { call.reply.error(reason) } else { call.reply.null() }
  }
}
