import KVStore
import Synchronization

/// Commands about the connection itself.
enum ConnectionCommands {
  static let commands: [Command] = [
    Command(
      "ping", arity: -1, [.fast], group: "connection", "Ping the server", .session(ping)),
    Command(
      "echo", arity: 2, [.fast], group: "connection", "Echo the given string", .session(echo)),
    Command(
      "quit", arity: -1, [.fast, .immediate], group: "connection",
      "Close the connection", .session(quit)),
    Command(
      "select", arity: 2, [.fast], group: "connection",
      "Change the selected database for the current connection", .session(select)),
    Command(
      "hello", arity: -1, [.fast], group: "connection", "Handshake with the server",
      .session(hello)),
    Command(
      "auth", arity: -2, [.fast], group: "connection", "Authenticate to the server",
      .session(authenticate)),
    Command(
      "reset", arity: 1, [.fast, .immediate], group: "connection", "Reset the connection",
      .session(reset)),
    Command(
      container: "client", group: "connection", "A container for client connection commands",
      subcommands: ClientCommand.commands),
  ]

  static func ping(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    switch call.count {
    case 1: call.reply.simple("PONG")
    case 2: call.reply.bulk(request.extracting(call[1]))
    default: call.wrongArity("ping")
    }
  }

  static func echo(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.reply.bulk(request.extracting(call[1]))
  }

  static func quit(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.reply.ok()
    call.disposition = .close
  }

  static func select(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard let index = parseInteger(request.extracting(call[1])),
      let database = Int32(exactly: index)
    else {
      call.reply.error("ERR value is not an integer or out of range")
      return
    }
    if database == 0 { call.reply.ok() } else { call.reply.error("ERR DB index is out of range") }
  }

  /// HELLO [protocol [AUTH user password] [SETNAME name]]
  static func hello(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    var version = call.reply.isRESP3 ? 3 : 2
    if call.count > 1 {
      guard let number = parseInteger(request.extracting(call[1])) else {
        call.reply.error("ERR Protocol version is not an integer or out of range")
        return
      }
      guard number == 2 || number == 3 else {
        call.reply.error("NOPROTO unsupported protocol version")
        return
      }
      version = Int(number)
    }
    var name: Range<Int>?
    var index = 2
    while index < call.count {
      let option = request.extracting(call[index])
      if option.spells("AUTH"), index + 2 < call.count {
        refuseAuthentication(&call)
        return
      } else if option.spells("SETNAME"), index + 1 < call.count {
        name = call[index + 1]
        index += 2
      } else {
        var text = ByteBuffer()
        text.append("ERR Syntax error in HELLO option '")
        text.append(option)
        text.append("'")
        call.reply.error(text)
        return
      }
    }
    if let name, !ClientCommand.setName(&call, request.extracting(name)) { return }
    call.reply.isRESP3 = version == 3
    call.session.record.protocolVersion.store(version, ordering: .relaxed)
    call.reply.map(7)
    call.reply.bulk("server")
    call.reply.bulk("redis")
    call.reply.bulk("version")
    call.reply.bulk(Version.redis)
    call.reply.bulk("proto")
    call.reply.integer(Int64(version))
    call.reply.bulk("id")
    call.reply.integer(call.session.id)
    call.reply.bulk("mode")
    call.reply.bulk("standalone")
    call.reply.bulk("role")
    call.reply.bulk("master")
    call.reply.bulk("modules")
    call.reply.array(0)
  }

  static func authenticate(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard call.count <= 3 else { return call.syntaxError() }
    refuseAuthentication(&call)
  }

  /// There are no users and no passwords: whoever sends one must not believe that it was checked.
  private static func refuseAuthentication(_ call: inout Call) {
    call.reply.error(
      "ERR AUTH <password> called without any password configured for the default user. "
        + "Are you sure your configuration is correct?")
  }

  static func reset(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.session.endTransaction()
    call.session.record.labels.withLock { $0.name = "" }
    call.reply.isRESP3 = false
    call.session.record.protocolVersion.store(2, ordering: .relaxed)
    call.reply.simple("RESET")
  }
}
