import KVStore

/// COMMAND and its subcommands: describe the command table to clients.
enum CommandCommand {
  static let commands: [Command] = [
    Command(
      "command|count", arity: 2, [], group: "server", "Get total number of Redis commands",
      .session(count)),
    Command(
      "command|list", arity: -2, [], group: "server", "Get an array of Redis command names",
      .session(list)),
    Command(
      "command|info", arity: -2, [], group: "server",
      "Get array of specific Redis command details, or all when no argument is given.",
      .session(info)),
    Command(
      "command|docs", arity: -2, [], group: "server",
      "Get array of specific Redis command documentation", .session(documentation)),
    Command(
      "command|getkeys", arity: -4, [], group: "server",
      "Extract keys given a full Redis command",
      .session { (call, request) in keys(&call, request, withAccess: false) }),
    Command(
      "command|getkeysandflags", arity: -4, [], group: "server",
      "Extract keys and access flags given a full Redis command",
      .session { (call, request) in keys(&call, request, withAccess: true) }),
    Command(
      "command|help", arity: 2, [], group: "server",
      "Show helpful text about the different subcommands",
      ContainerCommand.help(
        "command",
        [
          "(no subcommand)", "    Return details about all Redis commands.",
          "COUNT", "    Return the total number of commands in this Redis server.",
          "LIST", "    Return a list of all commands in this Redis server.",
          "INFO [<command-name> ...]", "    Return details about multiple Redis commands.",
          "    If no command names are given, documentation details for all",
          "    commands are returned.",
          "DOCS [<command-name> ...]",
          "    Return documentation details about multiple Redis commands.",
          "    If no command names are given, documentation details for all",
          "    commands are returned.",
          "GETKEYS <full-command>", "    Return the keys from a full Redis command.",
          "GETKEYSANDFLAGS <full-command>",
          "    Return the keys and the access flags from a full Redis command.",
        ])),
  ]

  static func describeAll(_ call: inout Call, _ request: RawSpan) {
    let table = call.server.table
    call.reply.array(table.topLevelCount)
    for index in 0..<table.topLevelCount { describe(index, of: table, in: &call.reply) }
  }

  private static func count(_ call: inout Call, _ request: RawSpan) {
    call.reply.integer(Int64(call.server.table.topLevelCount))
  }

  /// LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]
  private static func list(_ call: inout Call, _ request: RawSpan) {
    var isChosen: (Command) -> Bool = { _ in true }
    if call.count > 2 {
      guard call.count == 5, request.extracting(call[2]).spells("FILTERBY") else {
        return call.syntaxError()
      }
      let kind = request.extracting(call[3])
      let text = String(describing: request.extracting(call[4])).lowercased()
      if kind.spells("MODULE") {
        isChosen = { _ in false }
      } else if kind.spells("ACLCAT") {
        let category = Categories(named: text)
        isChosen = { command in category.map { command.facts.categories.contains($0) } ?? false }
      } else if kind.spells("PATTERN") {
        let pattern = GlobPattern(text)
        isChosen = { pattern.matches([UInt8]($0.name.utf8)) }
      } else {
        return call.syntaxError()
      }
    }
    let chosen = call.server.table.commands.filter(isChosen)
    call.reply.array(chosen.count)
    for command in chosen { call.reply.bulk(command.name) }
  }

  private static func info(_ call: inout Call, _ request: RawSpan) {
    guard call.count > 2 else { return describeAll(&call, request) }
    let table = call.server.table
    call.reply.array(call.count - 2)
    // Where each description is in the reply, to repeat it for a command that is named again.
    var places: [Int: Range<Int>] = [:]
    for index in 2..<call.count where !call.reply.isOverflowing {
      let name = String(describing: request.extracting(call[index]))
      guard let found = table.index(named: name) else {
        call.reply.null()
        continue
      }
      if let place = places[found] {
        call.reply.repeatBytes(at: place)
      } else {
        let start = call.reply.count
        describe(found, of: table, in: &call.reply)
        places[found] = start..<call.reply.count
      }
    }
  }

  /// Writes the ten fields of Redis 7.
  private static func describe(_ index: Int, of table: CommandTable, in reply: inout ReplyWriter) {
    let command = table.commands[index]
    let facts = command.facts
    reply.array(10)
    reply.bulk(command.name)
    reply.integer(Int64(command.arity))
    reply.set(facts.flags.count)
    for flag in facts.flags { reply.simple(flag) }
    reply.integer(Int64(command.keys.first))
    reply.integer(Int64(command.keys.last))
    reply.integer(Int64(command.keys.step))
    let categories = facts.categories.names
    reply.set(categories.count)
    for category in categories { reply.simple("@" + category) }
    reply.set(facts.tips.count)
    for tip in facts.tips { reply.bulk(tip) }
    reply.set(facts.keySpecs.count)
    for spec in facts.keySpecs { describe(spec, in: &reply) }
    let subcommands = table.subcommands(of: index)
    if subcommands.isEmpty { reply.set(0) } else { reply.array(subcommands.count) }
    for subcommand in subcommands { describe(subcommand, of: table, in: &reply) }
  }

  private static func describe(_ spec: KeySpec, in reply: inout ReplyWriter) {
    reply.map(spec.note == nil ? 3 : 4)
    if let note = spec.note {
      reply.bulk("notes")
      reply.bulk(note)
    }
    reply.bulk("flags")
    reply.set(spec.access.names.count)
    for name in spec.access.names { reply.simple(name) }
    for part in ["begin_search", "find_keys"] {
      reply.bulk(part)
      reply.map(2)
      reply.bulk("type")
      let isBegin = part == "begin_search"
      let type: String
      let fields: [(String, Int)]
      if let place = spec.place {
        type = isBegin ? "index" : "range"
        fields =
          isBegin
          ? [("index", place.index)]
          : [("lastkey", place.last), ("keystep", place.step), ("limit", place.limit)]
      } else if let counted = spec.counted {
        type = isBegin ? "index" : "keynum"
        fields =
          isBegin
          ? [("index", counted.index)]
          : [("keynumidx", counted.number), ("firstkey", counted.first), ("keystep", counted.step)]
      } else {
        (type, fields) = ("unknown", [])
      }
      reply.bulk(type)
      reply.bulk("spec")
      reply.map(fields.count)
      for (name, value) in fields {
        reply.bulk(name)
        reply.integer(Int64(value))
      }
    }
  }

  /// Documents each command once, however often it is named, because names are the keys of a map.
  private static func documentation(_ call: inout Call, _ request: RawSpan) {
    let table = call.server.table
    var chosen: [Int] = []
    var named: Set<Int> = []
    if call.count > 2 {
      for index in 2..<call.count {
        let name = String(describing: request.extracting(call[index]))
        if let found = table.index(named: name), named.insert(found).inserted {
          chosen.append(found)
        }
      }
    } else {
      chosen = Array(0..<table.topLevelCount)
    }
    call.reply.map(chosen.count)
    for index in chosen {
      call.reply.bulk(table.commands[index].name)
      CommandDocumentation.write(index, of: table, to: &call.reply)
    }
  }

  private static func keys(_ call: inout Call, _ request: RawSpan, withAccess: Bool) {
    let arguments = call.arguments[2...]
    guard let found = call.server.table.index(of: arguments, in: request) else {
      call.reply.error("ERR Invalid command specified")
      return
    }
    let command = call.server.table.commands[found]
    guard command.hasKeys else {
      call.reply.error("ERR The command has no key arguments")
      return
    }
    guard command.accepts(argumentCount: arguments.count) else {
      call.reply.error("ERR Invalid number of arguments specified for command")
      return
    }
    var keys: [(index: Int, access: KeySpec.Access)] = []
    for use in command.keyUses(Array(arguments), in: request) ?? [] {
      if case .argument(let index) = use.place { keys.append((index, use.access)) }
    }
    guard !keys.isEmpty else {
      call.reply.error("ERR Invalid arguments specified for command")
      return
    }
    call.reply.array(keys.count)
    for key in keys {
      if withAccess { call.reply.array(2) }
      call.reply.bulk(request.extracting(call[key.index + 2]))
      guard withAccess else { continue }
      call.reply.set(key.access.names.count)
      for name in key.access.names { call.reply.simple(name) }
    }
  }
}
