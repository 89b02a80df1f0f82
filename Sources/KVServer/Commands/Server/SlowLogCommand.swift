import Base
import KVStore

/// SLOWLOG: the commands that took long.
enum SlowLogCommand {
  static let command = Command(
    container: "slowlog", group: "server", "A container for slow log commands",
    subcommands: [
      Command(
        "slowlog|get", arity: -2, [.admin], group: "server", "Get the slow log's entries",
        .session(get)),
      Command(
        "slowlog|len", arity: 2, [.admin], group: "server", "Get the slow log's length",
        .session { (call, _) in call.reply.integer(Int64(call.server.slowLog.count)) }),
      Command(
        "slowlog|reset", arity: 2, [.admin], group: "server", "Clear all entries from the slow log",
        .session { (call, _) in
          call.server.slowLog.reset()
          call.reply.ok()
        }),
      Command(
        "slowlog|help", arity: 2, [], group: "server",
        "Show helpful text about the different subcommands",
        ContainerCommand.help(
          "slowlog",
          [
            "GET [<count>]",
            "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
            "    Entries are made of:",
            "    id, timestamp, time in microseconds, arguments array, client IP and port,",
            "    client name", "LEN", "    Return the length of the slowlog.", "RESET",
            "    Reset the slowlog.",
          ])),
    ])

  static func get(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard call.count <= 3 else {
      let name = String(describing: request.extracting(call[1]))
      call.reply.error(
        "ERR unknown subcommand or wrong number of arguments for '\(name)'. Try SLOWLOG HELP.")
      return
    }
    var count = 10
    if call.count == 3 {
      guard let number = parseInteger(request.extracting(call[2])), number >= -1 else {
        return call.reply.error("ERR count should be greater than or equal to -1")
      }
      count = Int(number)
    }
    let entries = call.server.slowLog.newest(count)
    call.reply.array(entries.count)
    for entry in entries {
      call.reply.array(6)
      call.reply.integer(entry.id)
      call.reply.integer(entry.time)
      call.reply.integer(entry.microseconds)
      call.reply.array(entry.arguments.count)
      for argument in entry.arguments { argument.withRawBytes { call.reply.bulk($0) } }
      call.reply.bulk(entry.address)
      call.reply.bulk(entry.name)
    }
  }
}
