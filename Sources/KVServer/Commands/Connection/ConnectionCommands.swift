import KVStore

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
}
