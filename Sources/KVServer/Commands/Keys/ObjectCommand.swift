import KVData
import KVStore

/// OBJECT: how a value is kept, told in Redis's words, of which some can mean something here.
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

  /// What a Redis would use that was given the same value at once. Here it tells nothing about the store, but
  /// there are programs that ask.
  private static func encoding<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[2])
    var isSet = false
    var name = try view.withEntry(of: key) { info, value -> StaticString? in
      guard let info else { return nil }
      switch info.recordType {
      case .string: return stringEncoding(value)
      case .map: return info.fieldCount(value) <= smallCount ? "listpack" : "hashtable"
      case .set:
        isSet = true
        return "hashtable"
      case nil: return "unknown"
      }
    }
    if isSet, let set = try view.map(at: key, type: .set), set.count <= smallCount {
      var areIntegers = true
      try set.walk(in: &view) { member, _ in
        areIntegers = parseInteger(member) != nil
        return areIntegers
      }
      if areIntegers { name = "intset" }
    }
    guard let name else { return call.reply.null() }
    call.reply.bulk(name.description)
  }

  /// Redis keeps small maps, and small sets of integers, in other forms.
  private static let smallCount = 512
  private static let embeddedByteCount = 44

  private static func stringEncoding(_ value: RawSpan) -> StaticString {
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
      "ERR idle times are not tracked: a read would have to be a write", &view, &call, request)
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
