import KVStore
import TxnWAL

/// The subcommands of CLIENT.
enum ClientCommand {
  static let commands: [Command] = [
    Command(
      "client|id", arity: 2, [], group: "connection",
      "Returns the client ID for the current connection", .session(id)),
    Command(
      "client|getname", arity: 2, [], group: "connection", "Get the current connection name",
      .session(getName)),
    Command(
      "client|setname", arity: 3, [], group: "connection", "Set the current connection name",
      .session(setName)),
    Command(
      "client|setinfo", arity: 4, [], group: "connection",
      "Set client or connection specific info", categories: .connection, .session(setInfo)),
    Command(
      "client|info", arity: 2, [], group: "connection",
      "Returns information about the current client connection.", .session(info)),
    Command(
      "client|list", arity: -2, [.admin], group: "connection",
      "Get the list of client connections", .session(list)),
    Command(
      "client|help", arity: 2, [], group: "connection",
      "Show helpful text about the different subcommands",
      ContainerCommand.help(
        "client",
        [
          "GETNAME", "    Return the name of the current connection.",
          "ID", "    Return the ID of the current connection.",
          "INFO", "    Return information about the current client connection.",
          "LIST", "    Return information about client connections.",
          "SETINFO <LIB-NAME|LIB-VER> <value>", "    Tell what client library this is.",
          "SETNAME <name>", "    Assign the name <name> to the current connection.",
        ])),
  ]

  static func id(_ call: inout Call, _ request: RawSpan) { call.reply.integer(call.session.id) }

  static func getName(_ call: inout Call, _ request: RawSpan) {
    let label = call.session.record.labels.withLock { $0.name }
    if label.isEmpty { call.reply.null() } else { call.reply.bulk(label) }
  }

  static func setName(_ call: inout Call, _ request: RawSpan) {
    if setName(&call, request.extracting(call[2])) { call.reply.ok() }
  }

  static func info(_ call: inout Call, _ request: RawSpan) {
    let now = System.monotonicSeconds()
    call.reply.verbatim(call.session.record.line(now: now, table: call.server.table) + "\n")
  }

  static func list(_ call: inout Call, _ request: RawSpan) {
    let now = System.monotonicSeconds()
    let table = call.server.table
    call.reply.verbatim(
      call.server.clients.all.map { $0.line(now: now, table: table) + "\n" }.joined())
  }

  /// Names the connection; false, with the error written, if the name may not stand in CLIENT LIST.
  static func setName(_ call: inout Call, _ name: RawSpan) -> Bool {
    guard isPrintable(name) else {
      call.reply.error("ERR Client names cannot contain spaces, newlines or special characters.")
      return false
    }
    guard name.byteCount <= longestLabel else {
      call.reply.error("ERR Client names cannot be longer than \(longestLabel) bytes.")
      return false
    }
    let text = String(describing: name)
    call.session.record.labels.withLock { $0.name = text }
    return true
  }

  private static func setInfo(_ call: inout Call, _ request: RawSpan) {
    let attribute = request.extracting(call[2])
    let value = request.extracting(call[3])
    let isName = attribute.spells("LIB-NAME")
    guard isName || attribute.spells("LIB-VER") else {
      call.reply.error("ERR Unrecognized option '\(String(describing: attribute))'")
      return
    }
    guard value.byteCount <= longestLabel, isPrintable(value) else {
      call.reply.error(
        isName
          ? "ERR lib-name cannot contain spaces, newlines or special characters."
          : "ERR lib-ver cannot contain spaces, newlines or special characters.")
      return
    }
    let text = String(describing: value)
    call.session.record.labels.withLock {
      if isName { $0.libraryName = text } else { $0.libraryVersion = text }
    }
    call.reply.ok()
  }

  /// Labels stay for as long as the connection and are not counted as its memory.
  private static let longestLabel = 1024

  private static func isPrintable(_ text: RawSpan) -> Bool {
    for offset in 0..<text.byteCount {
      let byte = text.byte(at: offset)
      if byte < 0x21 || byte > 0x7E { return false }
    }
    return true
  }
}
