import KVStore
import TxnWAL

/// Commands about the server: INFO, CONFIG, COMMAND, and kvd's own KV.STATS and KV.CHECKPOINT.
enum ServerCommands {
  static let commands: [Command] = [
    Command(
      "info", arity: -1, [.noTransaction], group: "server",
      "Get information and statistics about the server", .session(info)),
    Command(
      container: "config", group: "server", "A container for server configuration commands",
      subcommands: [
        Command(
          "config|get", arity: -3, [.admin], group: "server",
          "Get the values of configuration parameters", .session(getSettings)),
        Command(
          "config|set", arity: -4, [.admin], group: "server",
          "Set configuration parameters to the given values", .session(changeSettings)),
        Command(
          "config|resetstat", arity: 2, [.admin], group: "server",
          "Reset the stats returned by INFO", .session(resetStatistics)),
      ]),
    Command(
      "command", arity: -1, [], group: "server", "Get array of command details",
      subcommands: CommandCommand.commands, .session(CommandCommand.describeAll)),
    Command(
      "kv.stats", arity: 1, [.readOnly, .noTransaction], group: "kvd",
      "Get the store's statistics", categories: .dangerous, .session(statistics)),
    Command(
      "kv.checkpoint", arity: 1, [.admin, .noTransaction], group: "kvd",
      "Apply everything to the partitions and recycle the log", .session(checkpoint)),
  ]

  static func info(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    var wanted: [String] = []
    for index in 1..<max(1, call.count) {
      wanted.append(String(describing: request.extracting(call[index])).lowercased())
    }
    call.reply.verbatim(try InfoText.sections(wanted, server: call.server, reader: call.reader))
  }

  static func getSettings(_ call: inout Call, _ request: RawSpan) {
    let settings = settings(of: call.server)
    var patterns: [GlobPattern] = []
    for index in 2..<call.count {
      let pattern = String(describing: request.extracting(call[index])).lowercased()
      patterns.append(GlobPattern(pattern))
    }
    let chosen = settings.filter { setting in
      patterns.contains { $0.matches([UInt8](setting.name.utf8)) }
    }
    call.reply.map(chosen.count)
    for setting in chosen {
      call.reply.bulk(setting.name)
      call.reply.bulk(setting.value)
    }
  }

  static func changeSettings(_ call: inout Call, _ request: RawSpan) {
    call.reply.error("ERR CONFIG SET is not supported; restart kvd with other options")
  }

  static func resetStatistics(_ call: inout Call, _ request: RawSpan) { call.reply.ok() }

  /// What Redis's tools ask for, told as Redis would put it.
  private static func settings(of server: ServerState) -> [(name: String, value: String)] {
    let options = server.options
    return [
      ("appendfsync", options.durability == "sync" ? "always" : "everysec"),
      ("appendonly", "yes"),
      ("bind", options.address),
      ("databases", "1"),
      ("dir", options.dataPath),
      ("io-threads", String(options.ioThreadCount)),
      ("maxclients", String(options.clientLimit)),
      ("maxmemory", "0"),
      ("maxmemory-clients", String(options.clientMemoryByteCount)),
      ("maxmemory-policy", "noeviction"),
      ("port", String(server.port.load(ordering: .relaxed))),
      ("proto-max-bulk-len", String(Limits.valueByteCount)),
      ("save", ""),
      ("timeout", "0"),
    ]
  }

  static func statistics(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let fields = try call.store.statistics().fields
    call.reply.map(fields.count)
    for field in fields {
      call.reply.bulk(field.name)
      call.reply.bulk(field.value)
    }
  }

  /// Only this connection waits: the work is done on a thread of its own.
  static func checkpoint(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard let ticket = call.session.checkpoint else {
      call.session.checkpoint = call.server.checkpoints.request(for: call.handle)
      call.disposition = .waiting
      return
    }
    guard let outcome = ticket.outcome else {
      call.disposition = .waiting
      return
    }
    call.session.checkpoint = nil
    try outcome.get()
    call.reply.ok()
  }
}
