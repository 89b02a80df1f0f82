import KVStore

/// What commands with subcommands have in common.
enum ContainerCommand {
  /// The error for a subcommand that does not exist, in the words of Redis.
  static func unknown(_ call: inout Call, _ name: RawSpan, of container: RawSpan) {
    var text = ByteBuffer()
    text.append("ERR unknown subcommand '")
    text.append(name.extracting(first: min(name.byteCount, 128)))
    text.append("'. Try ")
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
