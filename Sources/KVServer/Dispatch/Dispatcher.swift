import Base
import KVStore
import Synchronization

/// Takes a decoded request to its reply: finds the command, checks what can be checked before it runs, queues
/// or runs it, and turns any thrown error into one error reply.
enum Dispatcher {
  /// Runs the request whose arguments are in `call`.
  static func run(_ call: inout Call, _ request: RawSpan) {
    guard call.isGated else { return carryOut(&call, request) }
    let start = call.reply.count
    call.session.replyMode.begin()
    carryOut(&call, request)
    ReplyMode.settle(start, &call)
  }

  private static func carryOut(_ call: inout Call, _ request: RawSpan) {
    let start = call.reply.count
    call.disposition = .next
    call.note = .none
    guard let index = call.server.table.index(of: request.extracting(call[0])) else {
      unknownCommand(&call, request)
      return
    }
    call.command = index
    call.session.record.lastCommand.store(index, ordering: .relaxed)
    do throws(StoreError) {
      try dispatch(index, &call, request)
    } catch {
      call.reply.takeBack(to: start)
      StoreErrorReply.write(error, to: &call.reply)
    }
    if call.reply.isOverflowing { call.refuseReply(from: start) }
    switch call.disposition {
    case .next, .close: call.counters.countCommand()
    case .parked, .waiting: break
    }
  }

  @inline(__always)
  private static func dispatch(
    _ index: Int, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let command = call.server.table.commands[index]
    guard command.accepts(argumentCount: call.count) else {
      call.note = .rejected
      refuseArity(command, &call)
      return
    }
    if command.flags.contains(.container), call.count > 1 {
      return try dispatchSubcommand(of: index, &call, request)
    }
    if call.isGated, !Gate.admits(command, index, &call, request) { return }
    if let refusal = refusal(of: command, &call, request) {
      call.session.transaction?.hasFailed = true
      call.note = .rejected
      throw refusal
    }
    try perform(index, command, &call, request)
  }

  /// Queues or runs a command whose arguments have been checked.
  @inline(__always)
  private static func perform(
    _ index: Int, _ command: Command, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    if call.session.transaction != nil, !command.flags.contains(.immediate) {
      queue(index, command, &call, request)
      return
    }
    switch command.handler {
    case .read(let handler, _):
      if command.flags.contains(.scans) {
        call.hasScanned = true
        return try LongReads.run(handler, &call, request)
      }
      // Many keys can hold much data, so this may become a long read. Unlike after a scan, the connection's
      // next request follows at once.
      if command.flags.contains(.looksUpMany), call.count > PrefetchBudget.fewCount {
        return try LongReads.run(handler, &call, request)
      }
      var view = ReadView(reader: call.reader, through: call.through)
      let start = call.reply.count
      try handler(&view, &call, request)
      if call.reader.hasMetExpired { call.removeExpiredMet(holdingFrom: start) }
    case .prepared(let prepare, let handler):
      try evaluate(command, after: prepare, handler, &call, request)
    case .write(let handler), .edit(_, let handler):
      let byteCount = try request.byteCount + touch(command, &call, request)
      try call.evaluate(
        byteCount: byteCount, onlyDeletes: command.storesNothing
      ) { (evaluation, call) throws(StoreError) in
        try handler(&evaluation, &call, request)
      }
    case .session(let handler):
      try handler(&call, request)
    }
  }

  /// Does what `perform` does for `.write`, after the preparation. The code is not shared: `perform` is inlined
  /// with everything it calls, because SET and INCR take that path, and sharing would make them slower or all
  /// the code larger.
  @inline(never)
  private static func evaluate(
    _ command: Command, after prepare: Command.SessionHandler,
    _ handler: Command.EvaluationHandler, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    // What was prepared is as large as the request. A parked command prepares it again.
    defer { call.dumped = .unsound }
    try prepare(&call, request)
    let byteCount = try request.byteCount + touch(command, &call, request)
    try call.evaluate(byteCount: byteCount, onlyDeletes: command.storesNothing) {
      (evaluation, call) throws(StoreError) in
      try handler(&evaluation, &call, request)
    }
  }

  /// The rest of `dispatch` for a subcommand.
  @inline(never)
  private static func dispatchSubcommand(
    of container: Int, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let name = request.extracting(call[1])
    guard let index = call.server.table.index(of: name, in: container) else {
      call.session.transaction?.hasFailed = true
      ContainerCommand.unknown(&call, name, of: request.extracting(call[0]))
      call.note = .unknown
      return
    }
    call.command = index
    call.session.record.lastCommand.store(index, ordering: .relaxed)
    try dispatch(index, &call, request)
  }

  private static func refuseArity(_ command: Command, _ call: inout Call) {
    reject(command, "ERR wrong number of arguments for '\(command.name)' command", &call)
  }

  /// Refuses a request before it is queued or run. As in Redis, a refused EXEC ends the transaction; any other
  /// refused command makes a later EXEC fail.
  static func reject(_ command: Command, _ error: String, _ call: inout Call) {
    guard command.name == "exec" else {
      call.session.transaction?.hasFailed = true
      return call.reply.error(error)
    }
    call.session.endTransaction()
    let reason = error.hasPrefix("ERR ") ? error.dropFirst(4) : error[...]
    call.reply.error("\(Transactions.discardedBecause)\(reason)")
  }

  /// The limits of the store, checked before anything runs.
  ///
  /// - Parameter call: not modified. A borrowed parameter would make the compiler copy the whole call.
  @inline(__always)
  static func refusal(
    of command: Command, _ call: inout Call, _ request: RawSpan
  ) -> StoreError? {
    // A short request has short keys.
    guard request.byteCount > Limits.keyByteCount else { return nil }
    let keys = command.keys
    if keys.first > 0 {
      var index = keys.first
      let end = keys.end(call.count)
      while index < end {
        let byteCount = call[index].count
        if byteCount > Limits.keyByteCount {
          return .keyTooLong(byteCount: byteCount, limit: Limits.keyByteCount)
        }
        index &+= keys.step
      }
    }
    guard request.byteCount > Limits.valueByteCount else { return nil }
    for argument in call.arguments where argument.count > Limits.valueByteCount {
      return .valueTooLarge(byteCount: argument.count, limit: Limits.valueByteCount)
    }
    return nil
  }

  /// Prefetches the keys of a command that will read them in its evaluation, within the budget of `PrefetchBudget`.
  /// Returns by about how many bytes the batch may exceed the request.
  ///
  /// - Parameter call: as in `refusal`.
  @inline(__always)
  static func touch(
    _ command: Command, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) -> Int {
    if command.editedFields.first > 0 {
      var seen = PrefetchBudget()
      return try call.touch(command.editedFields, request, &seen)
    }
    let keys = command.keys
    if keys.first == 0, command.flags.contains(.script) {
      var seen = PrefetchBudget()
      return try Scripts.touch(command, call, request, &seen)
    }
    // A key that is replaced or removed may hold a map, whose fields are removed with it.
    let mayRemoveMaps = command.flags.contains(.write) && call.store.mayHoldOwners
    guard keys.first > 0,
      mayRemoveMaps || command.flags.contains(.readsFirst)
        || (command.flags.contains(.readsFirstWithOptions) && call.count > 3)
    else { return 0 }
    // One key needs no budget.
    if keys.first == keys.last {
      return try call.touchReplaced(request.extracting(call[keys.first]))
    }
    var byteCount = 0
    var seen = PrefetchBudget()
    for index in stride(from: keys.first, to: keys.end(call.count), by: keys.step) {
      let key = request.extracting(call[index])
      if seen.insert(key) { byteCount += try call.touchReplaced(key, &seen) }
    }
    return byteCount
  }

  private static func queue(
    _ index: Int, _ command: Command, _ call: inout Call, _ request: RawSpan
  ) {
    call.note = .queued
    if command.flags.contains(.noTransaction) {
      call.note = .rejected
      call.session.transaction?.hasFailed = true
      call.reply.error(
        "ERR Command not allowed inside a transaction: \(command.name.uppercased())")
      return
    }
    guard !call.server.memory.isFull else {
      call.session.transaction?.hasFailed = true
      return call.reply.error(BufferMemory.refusal)
    }
    let limit = Limits.batchByteCount
    let arguments = call.arguments
    if call.session.transaction?.append(command: index, arguments, in: request, limit: limit)
      == true
    {
      call.session.record.queuedCount.add(1, ordering: .relaxed)
      call.reply.simple("QUEUED")
    } else {
      call.session.transaction?.hasFailed = true
      call.reply.error("ERR the transaction is larger than the limit of \(limit) bytes")
    }
  }

  /// Replies with the error of Redis 7: the name and the beginning of the arguments. The name is cut to 128
  /// bytes, and so are the arguments together. Each text ends at its first zero byte, because Redis prints C
  /// strings.
  private static func unknownCommand(_ call: inout Call, _ request: RawSpan) {
    call.session.transaction?.hasFailed = true
    call.note = .unknown
    let name = request.extracting(call[0])
    guard !CrossProtocolGuard.isForeign(name) else {
      return call.server.crossProtocol.refuse(&call)
    }
    let quotedByteCount = 128
    var text = ByteBuffer()
    text.append("ERR unknown command '")
    text.append(name.quoted(atMost: quotedByteCount))
    text.append("', with args beginning with: ")
    let start = text.count
    for index in 1..<max(1, call.count) where text.count - start < quotedByteCount {
      let argument = request.extracting(call[index])
      let room = quotedByteCount - (text.count - start)
      text.append("'")
      text.append(argument.quoted(atMost: room))
      text.append("' ")
    }
    call.reply.error(text)
  }
}
