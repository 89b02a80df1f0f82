import Base
import KVStore

/// Commands about the server as a whole.
enum ServerCommands {
  static let commands: [Command] =
    [
      Command(
        "info", arity: -1, [.noTransaction], group: "server",
        "Get information and statistics about the server", .session(info)),
      ConfigCommand.command,
      Command(
        "command", arity: -1, [], group: "server", "Get array of command details",
        subcommands: CommandCommand.commands, .session(CommandCommand.describeAll)),
      Command(
        "kv.stats", arity: 1, [.readOnly, .noTransaction], group: "kvd",
        "Get the store's statistics", categories: .dangerous, .session(statistics)),
      Command(
        "time", arity: 1, [.fast], group: "server", "Return the current server time",
        .session(time)),
      Command(
        "lolwut", arity: -1, [.readOnly, .fast], group: "server",
        "Display some computer art and the Redis version", .session(lolwut)),
      Command(
        "role", arity: 1, [.fast], group: "server",
        "Return the role of the instance in the context of replication", .session(role)),
      Command(
        "shutdown", arity: -1, [.admin, .noTransaction], group: "server",
        "Synchronously save the dataset to disk and then shut down the server",
        .session(shutDown)),
      Command(
        "monitor", arity: 1, [.admin, .noTransaction], group: "server",
        "Listen for all requests received by the server in real time", .session(monitor)),
      Command(
        "wait", arity: 3, [], group: "generic",
        "Wait for the synchronous replication of all the write commands sent in the context of the "
          + "current connection", .session(wait)),
      SlowLogCommand.command, LatencyCommand.command, MemoryCommand.command, DebugCommand.command,
    ] + CheckpointCommands.commands + RefusedCommands.commands

  static func info(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    var wanted: [String] = []
    for index in 1..<max(1, call.count) {
      wanted.append(String(describing: request.extracting(call[index])).lowercased())
    }
    call.reply.verbatim(try InfoText.sections(wanted, server: call.server, reader: call.reader))
  }

  static func statistics(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let fields = try call.server.figures.statistics(of: call.store).fields
    call.reply.map(fields.count)
    for field in fields {
      call.reply.bulk(field.name)
      call.reply.bulk(field.value)
    }
  }

  static func time(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let (seconds, microseconds) = SystemClock.timeOfDay()
    call.reply.array(2)
    call.reply.bulk(String(seconds))
    call.reply.bulk(String(microseconds))
  }

  /// The line that Redis prints below its art, without the art.
  static func lolwut(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    if call.count >= 3, request.extracting(call[1]).spells("VERSION") {
      for index in 2..<call.count where parseInteger(request.extracting(call[index])) == nil {
        return call.notAnInteger()
      }
    }
    call.reply.verbatim("Redis ver. \(Version.redis)\n")
  }

  static func role(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.reply.array(3)
    call.reply.bulk("master")
    call.reply.integer(Int64(0))
    call.reply.array(0)
  }

  /// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
  ///
  /// Acknowledged writes are durable in any case, so SAVE and NOSAVE do the same. A shutdown that has begun
  /// cannot be aborted.
  static func shutDown(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    var saves: Bool?
    var isAborting = false
    var hasOthers = false
    for index in 1..<max(1, call.count) {
      let word = request.extracting(call[index])
      if word.spells("NOSAVE"), saves != true {
        saves = false
        hasOthers = true
      } else if word.spells("SAVE"), saves != false {
        saves = true
        hasOthers = true
      } else if word.spells("NOW") || word.spells("FORCE") {
        hasOthers = true
      } else if word.spells("ABORT") {
        isAborting = true
      } else {
        return call.syntaxError()
      }
    }
    guard !isAborting || !hasOthers else { return call.syntaxError() }
    guard !isAborting else { return call.reply.error("ERR No shutdown in progress.") }
    call.server.options.log("SHUTDOWN requested by \(call.session.record.address)")
    call.server.shutDown()
    call.disposition = .close
  }

  /// MONITOR: the connection receives every command from then on. Its own requests are still carried out.
  static func monitor(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    if call.session.feed == nil {
      call.session.feed = call.server.monitors.enter(call.session.id, call.handle)
      call.server.wakeLoops()
    }
    call.reply.ok()
  }

  /// WAIT replicas timeout: there are no replicas, so waiting for one always takes the full timeout, or forever
  /// if it is 0.
  static func wait(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    if let until = call.session.waitsUntil {
      guard SystemClock.monotonicMilliseconds() >= until else {
        call.disposition = .waiting
        return
      }
      call.session.waitsUntil = nil
      return call.reply.integer(Int64(0))
    }
    guard let replicas = parseInteger(request.extracting(call[1])) else {
      return call.notAnInteger()
    }
    guard let milliseconds = parseInteger(request.extracting(call[2])) else {
      return call.reply.error("ERR timeout is not an integer or out of range")
    }
    guard milliseconds >= 0 else { return call.reply.error("ERR timeout is negative") }
    guard replicas > 0, !call.isExecuting, !call.isInScript else {
      return call.reply.integer(Int64(0))
    }
    let (until, overflow) = SystemClock.monotonicMilliseconds().addingReportingOverflow(
      milliseconds)
    guard !overflow else { return call.reply.error("ERR timeout is out of range") }
    call.session.waitsUntil = milliseconds == 0 ? .max : until
    call.disposition = .waiting
  }
}
