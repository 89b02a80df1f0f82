import Base
import KVStore

/// The subcommands of CLIENT. CLIENT LIST and KILL are implemented in `ClientSelection`.
enum ClientCommand {
  static let commands: [Command] = [
    subcommand(
      "caching", 3, [],
      "Instruct the server about tracking or not keys in the next request", refuseCaching),
    subcommand("getname", 2, [], "Get the current connection name", getName),
    subcommand(
      "getredir", 2, [], "Get tracking notifications redirection client ID if any"
    ) { (call, _) in call.reply.integer(Int64(-1)) },
    Command(
      "client|help", arity: 2, [], group: "connection",
      "Show helpful text about the different subcommands",
      ContainerCommand.help("client", helpLines)),
    subcommand("id", 2, [], "Returns the client ID for the current connection") { (call, _) in
      call.reply.integer(call.session.id)
    },
    subcommand("info", 2, [], "Returns information about the current client connection.") {
      (call, request) in call.reply.verbatim(call.clientLine(request) + "\n")
    },
    subcommand("kill", -3, [.admin], "Kill the connection of a client", ClientSelection.kill),
    subcommand("list", -2, [.admin], "Get the list of client connections", ClientSelection.list),
    subcommand(
      "no-evict", 3, [.admin], "Set client eviction mode for the current connection", setEviction),
    subcommand(
      "pause", -3, [.admin], "Stop processing commands from clients for some time", pause),
    subcommand("reply", 3, [], "Instruct the server whether to reply to commands", setReplies),
    Command(
      "client|setinfo", arity: 4, [], group: "connection",
      "Set client or connection specific info", categories: .connection, .session(setInfo)),
    subcommand("setname", 3, [], "Set the current connection name") { (call, request) in
      if setName(&call, request.extracting(call[2])) { call.reply.ok() }
    },
    subcommand(
      "tracking", -3, [], "Enable or disable server assisted client side caching support",
      refuseTracking),
    subcommand(
      "trackinginfo", 2, [],
      "Return information about server assisted client side caching for the current connection",
      trackingInfo),
    subcommand(
      "unblock", -3, [.admin],
      "Unblock a client blocked in a blocking command from a different connection", unblock),
    subcommand("unpause", 2, [.admin], "Resume processing of clients that were paused") {
      (call, _) in
      call.server.gate.endPause()
      call.refreshGate()
      call.reply.ok()
    },
  ]

  private static func subcommand(
    _ name: String, _ arity: Int, _ flags: Command.Flags, _ summary: String,
    _ handler: @escaping Command.SessionHandler
  ) -> Command {
    Command("client|\(name)", arity: arity, flags, group: "connection", summary, .session(handler))
  }

  private static let helpLines = [
    "GETREDIR",
    "    Return the client ID we are redirecting to when tracking is enabled.",
    "GETNAME",
    "    Return the name of the current connection.",
    "ID",
    "    Return the ID of the current connection.",
    "INFO",
    "    Return information about the current client connection.",
    "KILL <ip:port>",
    "    Kill connection made from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Kill connections. Options are:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "      Kill connections made from the specified address",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "      Kill connections made to specified local address",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Kill connections by type.",
    "    * USER <username>",
    "      Kill connections authenticated by <username>.",
    "    * SKIPME (YES|NO)",
    "      Skip killing current connection (default: yes).",
    "LIST [options ...]",
    "    Return information about client connections. Options:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Return clients of specified type.",
    "UNPAUSE",
    "    Stop the current client pause, resuming traffic.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Suspend all, or just write, clients for <timeout> milliseconds.",
    "REPLY (ON|OFF|SKIP)",
    "    Control the replies sent to the current connection.",
    "SETINFO <LIB-NAME|LIB-VER> <value>",
    "    Set the name or version of the client library.",
    "SETNAME <name>",
    "    Assign the name <name> to the current connection.",
    "TRACKINGINFO",
    "    Report tracking status for the current connection.",
    "NO-EVICT (ON|OFF)",
    "    Protect current client connection from eviction.",
  ]

  // MARK: Names

  private static func getName(_ call: inout Call, _ request: RawSpan) {
    let label = call.session.record.labels.withLock { $0.name }
    if label.isEmpty { call.reply.null() } else { call.reply.bulk(label) }
  }

  /// Names the connection. Returns false, with the error written, if the name is not allowed in CLIENT LIST.
  static func setName(_ call: inout Call, _ name: RawSpan) -> Bool {
    guard checkName(&call, name) else { return false }
    let text = String(describing: name)
    call.session.record.labels.withLock { $0.name = text }
    return true
  }

  /// Returns false, with the error written, if the name is not allowed in CLIENT LIST.
  static func checkName(_ call: inout Call, _ name: RawSpan) -> Bool {
    guard isPrintable(name) else {
      call.reply.error("ERR Client names cannot contain spaces, newlines or special characters.")
      return false
    }
    guard name.byteCount <= longestLabel else {
      call.reply.error("ERR Client names cannot be longer than \(longestLabel) bytes.")
      return false
    }
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

  /// Labels are kept as long as the connection and do not count as its memory.
  private static let longestLabel = 1024

  private static func isPrintable(_ text: RawSpan) -> Bool {
    for offset in 0..<text.byteCount {
      let byte = text.byte(at: offset)
      if byte < 0x21 || byte > 0x7E { return false }
    }
    return true
  }

  // MARK: Switches

  private static func setReplies(_ call: inout Call, _ request: RawSpan) {
    let mode = request.extracting(call[2])
    if mode.spells("ON") {
      call.session.replyMode = .on
      call.reply.ok()
    } else if mode.spells("OFF") {
      call.session.replyMode = .off
    } else if mode.spells("SKIP") {
      if call.session.replyMode != .off { call.session.replyMode = .skipsNext }
    } else {
      return call.syntaxError()
    }
    call.refreshGate()
  }

  private static func setEviction(_ call: inout Call, _ request: RawSpan) {
    let mode = request.extracting(call[2])
    guard mode.spells("ON") || mode.spells("OFF") else { return call.syntaxError() }
    call.session.record.connection.isNeverEvicted.store(mode.spells("ON"), ordering: .relaxed)
    call.reply.ok()
  }

  /// CLIENT PAUSE milliseconds [WRITE | ALL]
  private static func pause(_ call: inout Call, _ request: RawSpan) {
    guard call.count <= 4 else { return ContainerCommand.wrongForm(&call, request) }
    var onlyWrites = false
    if call.count == 4 {
      let mode = request.extracting(call[3])
      onlyWrites = mode.spells("WRITE")
      guard onlyWrites || mode.spells("ALL") else {
        return call.reply.error("ERR CLIENT PAUSE mode must be WRITE or ALL")
      }
    }
    guard let milliseconds = parseInteger(request.extracting(call[2])) else {
      return call.reply.error("ERR timeout is not an integer or out of range")
    }
    guard milliseconds >= 0 else { return call.reply.error("ERR timeout is negative") }
    call.server.gate.pause(milliseconds: milliseconds, onlyWrites: onlyWrites)
    call.refreshGate()
    call.reply.ok()
  }

  /// No command blocks, so there is never a client to unblock.
  private static func unblock(_ call: inout Call, _ request: RawSpan) {
    guard call.count <= 4 else { return ContainerCommand.wrongForm(&call, request) }
    if call.count == 4 {
      let reason = request.extracting(call[3])
      guard reason.spells("TIMEOUT") || reason.spells("ERROR") else {
        return call.reply.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
      }
    }
    guard parseInteger(request.extracting(call[2])) != nil else {
      return call.notAnInteger()
    }
    call.reply.integer(Int64(0))
  }

  // MARK: Tracking

  /// Turning tracking off succeeds, because it is always off.
  private static func refuseTracking(_ call: inout Call, _ request: RawSpan) {
    let mode = request.extracting(call[2])
    if mode.spells("OFF"), call.count == 3 { return call.reply.ok() }
    guard mode.spells("ON") else { return call.syntaxError() }
    call.reply.error(
      "ERR CLIENT TRACKING is not supported: kvd does not keep track of what clients have cached")
  }

  private static func refuseCaching(_ call: inout Call, _ request: RawSpan) {
    call.reply.error(
      "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
        + "OPTOUT mode enabled")
  }

  private static func trackingInfo(_ call: inout Call, _ request: RawSpan) {
    call.reply.map(3)
    call.reply.bulk("flags")
    call.reply.set(1)
    call.reply.bulk("off")
    call.reply.bulk("redirect")
    call.reply.integer(Int64(-1))
    call.reply.bulk("prefixes")
    call.reply.array(0)
  }
}
