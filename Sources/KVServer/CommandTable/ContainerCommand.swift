import KVStore

/// Code shared by commands with subcommands.
enum ContainerCommand {
  /// Replies with Redis's error for an unknown subcommand.
  static func unknown(_ call: inout Call, _ name: RawSpan, of container: RawSpan) {
    var text = ByteBuffer()
    text.append("ERR unknown subcommand '")
    text.append(name.quoted(atMost: 128))
    text.append("'. Try ")
    finish(&text, container, &call)
  }

  /// Replies with the error for arguments that pass the subcommand's arity check but do not match its syntax.
  static func wrongForm(_ call: inout Call, _ request: RawSpan) {
    var text = ByteBuffer()
    text.append("ERR unknown subcommand or wrong number of arguments for '")
    let name = request.extracting(call[1])
    text.append(name.quoted(atMost: 128))
    text.append("'. Try ")
    let container = request.extracting(call[0])
    finish(&text, container, &call)
  }

  private static func finish(_ text: inout ByteBuffer, _ container: RawSpan, _ call: inout Call) {
    for offset in 0..<container.byteCount {
      let byte = container.byte(at: offset)
      text.append(byte &- 0x61 < 26 ? byte & 0xDF : byte)
    }
    text.append(" HELP.")
    call.reply.error(text)
  }

  /// The handler of a container. It never runs without a subcommand, because the arity requires one.
  static func unknown(_ call: inout Call, _ name: String) { call.wrongArity(name) }

  /// The handler of a HELP subcommand: describes the other subcommands in Redis's format.
  static func help(_ container: String, _ lines: [String]) -> Command.Handler {
    .session { (call, _) in
      let all =
        ["\(container.uppercased()) <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
        + lines + ["HELP", "    Prints this help."]
      call.reply.array(all.count)
      for line in all { call.reply.simple(line) }
    }
  }
}
