import KVStore

/// What commands with subcommands have in common.
enum ContainerCommand {
  /// The error for a subcommand that does not exist, in the words of Redis.
  static func unknown(_ call: inout Call, _ name: RawSpan, of container: RawSpan) {
    var text = ByteBuffer()
    text.append("ERR unknown subcommand '")
    text.append(name.quoted(atMost: 128))
    text.append("'. Try ")
    finish(&text, container, &call)
  }

  /// The error for arguments that the subcommand's arity lets pass but that are not of its form.
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

  /// A container is never run without a subcommand: its arity asks for one.
  static func unknown(_ call: inout Call, _ name: String) { call.wrongArity(name) }

  /// A subcommand HELP: what the others do, in Redis's form.
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
