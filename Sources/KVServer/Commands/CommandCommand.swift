import KVStore
import TxnWAL

/// COMMAND and its subcommands: the command table, told to clients.
enum CommandCommand {
  static func run(_ call: inout Call, _ request: RawSpan) {
    let table = call.server.table
    guard call.count > 1 else {
      call.reply.array(table.commands.count)
      for command in table.commands { describe(command, in: &call.reply) }
      return
    }
    let name = request.extracting(call[1])
    if name.spells("COUNT") {
      guard call.count == 2 else { return call.wrongArity("command|count") }
      call.reply.integer(Int64(table.commands.count))
    } else if name.spells("LIST") {
      guard call.count == 2 else { return call.syntaxError() }
      call.reply.array(table.commands.count)
      for command in table.commands { call.reply.bulk(command.name) }
    } else if name.spells("INFO") {
      info(&call, request)
    } else if name.spells("DOCS") {
      documentation(&call, request)
    } else if name.spells("GETKEYS") {
      keys(&call, request)
    } else if name.spells("HELP") {
      let lines: [StaticString] = [
        "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "(no subcommand)",
        "COUNT", "DOCS [<command-name> ...]", "GETKEYS <full-command>",
        "INFO [<command-name> ...]", "LIST", "HELP",
      ]
      call.reply.array(lines.count)
      for line in lines { call.reply.simple(line) }
    } else {
      ClientCommand.unknown(&call, name, of: "COMMAND")
    }
  }

  private static func info(_ call: inout Call, _ request: RawSpan) {
    let table = call.server.table
    guard call.count > 2 else {
      call.reply.array(table.commands.count)
      for command in table.commands { describe(command, in: &call.reply) }
      return
    }
    call.reply.array(call.count - 2)
    for index in 2..<call.count {
      if let found = table.index(of: request.extracting(call[index])) {
        describe(table.commands[found], in: &call.reply)
      } else {
        call.reply.nullArray()
      }
    }
  }

  /// The ten fields of Redis 7; tips, key specifications and subcommands are left empty.
  private static func describe(_ command: Command, in reply: inout ReplyWriter) {
    reply.array(10)
    reply.bulk(command.name)
    reply.integer(Int64(command.arity))
    let flags = Command.Flags.names.filter { command.flags.contains($0.0) }
    reply.set(flags.count)
    for flag in flags { reply.simple(flag.1) }
    reply.integer(Int64(command.keys.first))
    reply.integer(Int64(command.keys.last))
    reply.integer(Int64(command.keys.step))
    let categories = command.categories
    reply.set(categories.count)
    for category in categories { reply.simple(category) }
    reply.array(0)
    reply.array(0)
    reply.array(0)
  }

  private static func documentation(_ call: inout Call, _ request: RawSpan) {
    let table = call.server.table
    var chosen: [Int] = []
    if call.count > 2 {
      for index in 2..<call.count {
        if let found = table.index(of: request.extracting(call[index])) { chosen.append(found) }
      }
    } else {
      chosen = Array(table.commands.indices)
    }
    call.reply.map(chosen.count)
    for index in chosen {
      let command = table.commands[index]
      call.reply.bulk(command.name)
      call.reply.map(2)
      call.reply.bulk("summary")
      call.reply.bulk(command.summary)
      call.reply.bulk("group")
      call.reply.bulk(command.group)
    }
  }

  private static func keys(_ call: inout Call, _ request: RawSpan) {
    guard call.count > 2 else { return call.wrongArity("command|getkeys") }
    guard let found = call.server.table.index(of: request.extracting(call[2])) else {
      call.reply.error("ERR Invalid command specified")
      return
    }
    let command = call.server.table.commands[found]
    guard command.accepts(argumentCount: call.count - 2) else {
      call.reply.error("ERR Invalid number of arguments specified for command")
      return
    }
    guard command.keys.first > 0 else {
      call.reply.error("ERR The command has no key arguments")
      return
    }
    let positions = stride(
      from: command.keys.first, to: command.keys.end(call.count - 2), by: command.keys.step)
    call.reply.array(Array(positions).count)
    for position in positions { call.reply.bulk(request.extracting(call[position + 2])) }
  }
}
