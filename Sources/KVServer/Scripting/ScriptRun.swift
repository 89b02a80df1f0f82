import KVStore

/// One run of a script. Each `redis.call` is a command that is part of the script's evaluation.
struct ScriptRun: ~Copyable {
  /// Refuses commands that write.
  let isReadOnly: Bool
  /// The reply of the newest command.
  var reply = ReplyWriter()
  /// The arguments of the current command, one after another.
  var bytes: [UInt8] = []
  var arguments: [Range<Int>] = []
  /// The script has written something, which is undone if the script fails.
  var hasWritten = false
  /// A failure of the store, or of the batch as a whole, which ends the script.
  var failure: StoreError?
  /// Why the script failed.
  var error: [UInt8]?
  var log = ScriptLog()
  /// `error` was counted when the command that caused it failed.
  var isErrorCounted = false

  /// - Parameter replyLimit: the most bytes that one command may reply.
  init(isReadOnly: Bool, replyLimit: Int) {
    self.isReadOnly = isReadOnly
    reply.limit = min(ReplyWriter.defaultLimit, replyLimit)
  }

  /// Runs the command in `arguments` and leaves its reply in `reply`. Returns false if the script must end.
  mutating func carryOut(
    _ evaluation: inout Evaluation, _ call: inout Call, resp: Int, onlyAsks: Bool
  ) -> Bool {
    let outer = (arguments: call.arguments, command: call.command)
    call.arguments = arguments
    call.isInScript = true
    reply.takeBack(to: 0)
    reply.isRESP3 = resp == 3
    swap(&reply, &call.reply)
    var request: [UInt8] = []
    swap(&request, &bytes)
    let isReadOnly = isReadOnly
    var hasWritten = false
    let writtenBefore = evaluation.writtenByteCount
    do throws(StoreError) {
      try request.withRawBytes { (request) throws(StoreError) in
        if onlyAsks {
          Self.answer(&call, request)
        } else if let index = Self.admitted(&call, request, isReadOnly: isReadOnly) {
          try Self.perform(index, &evaluation, &call, request)
          let wrote = call.server.table.commands[index].flags.contains(.write)
          hasWritten = wrote && call.reply.bytes.count > 0 && call.reply.bytes[0] != 0x2D
        }
      }
    } catch {
      failure = error
    }
    if call.reply.isOverflowing {
      call.reply.takeBack(to: 0)
      let error = "ERR \(ReplyWriter.tooLarge(call.reply.limit))"
      call.reply.error(error)
      // The script cannot learn what the command did, for example what it removed, so it must not continue.
      if failure == nil, evaluation.writtenByteCount != writtenBefore {
        call.abandonment = Abandonment(
          error: [UInt8]("\(error); nothing was written".utf8), expired: evaluation.expiredKeysSeen)
        failure = .abandoned
      }
    }
    call.countErrors()
    swap(&request, &bytes)
    swap(&reply, &call.reply)
    call.reply.addLookups(of: &reply)
    self.hasWritten = self.hasWritten || hasWritten
    call.isInScript = false
    (call.arguments, call.command) = outer
    return failure == nil
  }

  private static func perform(
    _ index: Int, _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    call.command = index
    var begun = call.meter.clock.now
    try Transactions.carryOut(index, &evaluation, &call, request)
    call.didRunPart(request, errorsBefore: 0, since: &begun)
  }

  /// The command's index in the table if it may run. Otherwise nil, and its reply is written.
  private static func admitted(
    _ call: inout Call, _ request: RawSpan, isReadOnly: Bool
  ) -> Int? {
    let table = call.server.table
    guard let index = table.index(of: call.arguments[...], in: request) else {
      name("ERR Unknown Redis command called from script", &call, request)
      return nil
    }
    let command = table.commands[index]
    if refuses(index, command, &call, request, isReadOnly: isReadOnly) {
      call.statistics.addRejected(index)
      return nil
    }
    return index
  }

  /// Replies with an error that ends with the command's name, and with its next word if that may be a
  /// subcommand: a script calls many commands.
  private static func name(_ error: StaticString, _ call: inout Call, _ request: RawSpan) {
    let table = call.server.table
    let isContainer =
      table.index(of: request.extracting(call[0])).map {
        table.commands[$0].flags.contains(.container)
      } ?? false
    var text = ByteBuffer()
    text.append(error)
    text.append(": '")
    text.append(request.extracting(call[0]).quoted(atMost: 128))
    if isContainer, call.count > 1 {
      text.append(" ")
      text.append(request.extracting(call[1]).quoted(atMost: 128))
    }
    text.append("'")
    call.reply.error(text)
  }

  /// Whether the command is refused; if so, its reply is written.
  private static func refuses(
    _ index: Int, _ command: Command, _ call: inout Call, _ request: RawSpan, isReadOnly: Bool
  ) -> Bool {
    guard command.accepts(argumentCount: call.count) else {
      name("ERR Wrong number of args calling Redis command from script", &call, request)
      return true
    }
    guard command.isAllowedInScripts else {
      name("ERR This Redis command is not allowed from script", &call, request)
      return true
    }
    if let refusal = refusal(of: index, &call, request) {
      Gate.log(refusal, command, &call, request)
      call.reply.error("ERR The user executing the script \(refusal.reasonInScript)")
      return true
    }
    if isReadOnly, command.flags.contains(.write) {
      call.reply.error("ERR Write commands are not allowed from read-only scripts.")
      return true
    }
    if call.server.gate.refusesMemory(to: command, call) {
      call.reply.error(Gate.outOfMemory)
      return true
    }
    if let refusal = Dispatcher.refusal(of: command, &call, request) {
      StoreErrorReply.write(refusal, to: &call.reply)
      return true
    }
    return false
  }

  private static func refusal(
    of index: Int, _ call: inout Call, _ request: RawSpan
  ) -> AccessRefusal? {
    guard let user = call.session.user, !user.isUnrestricted else { return nil }
    return user.refusal(of: index, call.arguments, in: request)
  }

  /// Replies whether the user may run the command.
  private static func answer(_ call: inout Call, _ request: RawSpan) {
    guard let index = call.server.table.index(of: call.arguments[...], in: request) else {
      return call.reply.error("ERR Invalid command passed to redis.acl_check_cmd()")
    }
    call.reply.integer(Int64(refusal(of: index, &call, request) == nil ? 1 : 0))
  }
}

extension Command {
  /// Whether scripts may call it. Commands that access the store in their own way cannot be part of an
  /// evaluation, and EXEC does not allow them either.
  var isAllowedInScripts: Bool {
    flags.isDisjoint(with: [.noTransaction, .immediate]) && !facts.flags.contains("noscript")
  }
}

extension AccessRefusal {
  fileprivate var reasonInScript: String {
    switch self {
    case .command: "can't run this command or subcommand"
    case .key: "can't access at least one of the keys mentioned in the command arguments"
    case .channel: "can't publish to the channel mentioned in the command"
    }
  }
}
