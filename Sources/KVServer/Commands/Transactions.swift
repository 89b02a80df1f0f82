import Base
import KVStore

/// MULTI, EXEC, DISCARD, WATCH, UNWATCH.
///
/// An EXEC is one evaluation, and therefore one atomic batch. WATCH remembers the sequence number of each key,
/// or that it was absent. EXEC compares these inside its evaluation, so that no write can come between.
enum Transactions {
  static let commands: [Command] = [
    Command(
      "multi", arity: 1, [.fast, .immediate], group: "transactions",
      "Mark the start of a transaction block", .session(multi)),
    Command(
      "exec", arity: 1, [.immediate], group: "transactions",
      "Execute all commands issued after MULTI", .session(execute)),
    Command(
      "discard", arity: 1, [.fast, .immediate], group: "transactions",
      "Discard all commands issued after MULTI", .session(discard)),
    Command(
      "watch", arity: -2, [.fast, .immediate], keys: .all, group: "transactions",
      "Watch the given keys to determine execution of the MULTI/EXEC block", .session(watch)),
    Command(
      "unwatch", arity: 1, [.fast], group: "transactions",
      "Forget about all watched keys", .session(unwatch)),
  ]

  /// The beginning of an error that stands in place of all replies of an EXEC.
  static let discardedBecause = "EXECABORT Transaction discarded because of: "

  static func multi(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard call.session.transaction == nil else {
      call.reply.error("ERR MULTI calls can not be nested")
      return
    }
    call.session.transaction = Transaction()
    call.session.record.queuedCount.store(0, ordering: .relaxed)
    call.reply.ok()
  }

  static func discard(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard call.session.transaction != nil else {
      call.reply.error("ERR DISCARD without MULTI")
      return
    }
    call.session.endTransaction()
    call.reply.ok()
  }

  static func watch(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard call.session.transaction == nil else {
      call.reply.error("ERR WATCH inside MULTI is not allowed")
      return
    }
    guard !call.server.memory.isFull else { return call.reply.error(BufferMemory.refusal) }
    let clock = call.meter.clock
    let begun = clock.now
    let least = clock.ticks(microseconds: watchMicroseconds)
    var firstLookup: UInt64?
    for index in 1..<call.count {
      let key = request.extracting(call[index])
      try call.session.watch([UInt8](copying: key)) { () throws(StoreError) in
        if firstLookup == nil { firstLookup = clock.now }
        return try call.reader.watch(key, through: call.through)
      }
      guard let firstLookup, index + 1 < call.count else { continue }
      // A retry first skips the keys that are already watched. New keys get at least as much time as that took;
      // otherwise the cost would be quadratic in the number of keys.
      if clock.now &- firstLookup > max(least, firstLookup &- begun) { return yieldWatch(&call) }
    }
    call.reply.ok()
  }

  /// How long a WATCH looks up keys before other clients are served.
  private static let watchMicroseconds = 2_000

  /// Retries WATCH after all other connections that are ready. Each key is watched from its lookup on.
  private static func yieldWatch(_ call: inout Call) {
    call.disposition = .waiting
  }

  static func unwatch(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.session.unwatch()
    call.reply.ok()
  }

  static func execute(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard let transaction = call.session.transaction else {
      call.reply.error("ERR EXEC without MULTI")
      return
    }
    let watches = call.session.watches
    guard !transaction.hasFailed else {
      end(&call)
      call.reply.error("EXECABORT Transaction discarded because of previous errors.")
      return
    }
    let outer = call.arguments
    defer { call.arguments = outer }
    do throws(StoreError) {
      try transaction.bytes.withRawBytes { (bytes) throws(StoreError) in
        let byteCount = try bytes.byteCount + touch(transaction, watches, &call, bytes)
        let commands = call.server.table.commands
        let storesNothing = transaction.queued.allSatisfy { commands[$0.command].storesNothing }
        try call.evaluate(byteCount: byteCount, onlyDeletes: storesNothing) {
          (evaluation, call) throws(StoreError) in
          try run(transaction, watches, &evaluation, &call, bytes)
        }
      }
    } catch {
      end(&call)
      throw error
    }
    switch call.disposition {
    case .parked, .waiting: break
    case .next, .close: end(&call)
    }
  }

  private static func end(_ call: inout Call) {
    call.session.endTransaction()
  }

  private static func touch(
    _ transaction: Transaction, _ watches: [[UInt8]: KeyWatch], _ call: inout Call,
    _ bytes: RawSpan
  ) throws(StoreError) -> Int {
    var seen = PrefetchBudget()
    var seenWatched = PrefetchBudget()
    for key in watches.keys where seenWatched.insert(key.rawSpan) {
      try tolerateDamage(&seenWatched) { (seen) throws(StoreError) in
        seen.didRead(try call.reader.touch(key.rawSpan))
      }
    }
    var byteCount = 0
    for queued in transaction.queued {
      let command = call.server.table.commands[queued.command]
      let arguments = transaction.arguments[queued.arguments]
      if command.editedFields.first > 0 {
        call.arguments.removeAll(keepingCapacity: true)
        call.arguments.append(contentsOf: arguments)
        try tolerateDamage(&seen) { (seen) throws(StoreError) in
          byteCount += try call.touch(command.editedFields, bytes, &seen)
        }
        continue
      }
      if command.flags.contains(.script) {
        call.arguments.removeAll(keepingCapacity: true)
        call.arguments.append(contentsOf: arguments)
        try tolerateDamage(&seen) { (seen) throws(StoreError) in
          byteCount += try Scripts.touch(command, call, bytes, &seen)
        }
        continue
      }
      let keys = command.keys
      guard keys.first > 0, !seen.isSpent else { continue }
      let first = arguments.startIndex
      for index in stride(from: keys.first, to: keys.end(arguments.count), by: keys.step) {
        let key = bytes.extracting(arguments[first + index])
        guard seen.insert(key) else { continue }
        try tolerateDamage(&seen) { (seen) throws(StoreError) in
          byteCount += try call.touchReplaced(key, &seen)
        }
      }
    }
    return byteCount
  }

  /// A damaged value only ends the prefetch. How to treat it is up to the command, if one meets it in the
  /// evaluation.
  private static func tolerateDamage(
    _ seen: inout PrefetchBudget, _ lookup: (inout PrefetchBudget) throws(StoreError) -> Void
  ) throws(StoreError) {
    do throws(StoreError) {
      try lookup(&seen)
    } catch {
      guard error.isDamagedValue else { throw error }
      seen.spendAll()
    }
  }

  /// Runs the queue inside the evaluation, or replies null if a watched key has changed.
  private static func run(
    _ transaction: Transaction, _ watches: [[UInt8]: KeyWatch],
    _ evaluation: inout Evaluation,
    _ call: inout Call, _ bytes: RawSpan
  ) throws(StoreError) {
    do throws(StoreError) {
      guard try holds(watches, &evaluation, &call) else { return call.reply.nullArray() }
    } catch {
      throw discard(error, &evaluation, &call)
    }
    call.reply.array(transaction.queued.count)
    let execute = call.command
    call.isExecuting = true
    defer {
      call.command = execute
      call.isExecuting = false
    }
    do throws(StoreError) {
      try run(transaction, &evaluation, &call, bytes)
    } catch {
      throw discard(error, &evaluation, &call)
    }
  }

  /// Whether no watched key has changed. A key may hold a value of any size, so the time limit is checked
  /// before each.
  private static func holds(
    _ watches: [[UInt8]: KeyWatch], _ evaluation: inout Evaluation, _ call: inout Call
  ) throws(StoreError) -> Bool {
    for (key, watch) in watches {
      guard !call.time.isOver(at: call.meter.clock.now) else { throw .walkStopped }
      guard try evaluation.holds(watch, of: key.rawSpan) else { return false }
    }
    return true
  }

  /// The error that EXEC ends with after `error`. If that abandons the evaluation, the client gets one error in
  /// place of all replies.
  private static func discard(
    _ error: StoreError, _ evaluation: inout Evaluation, _ call: inout Call
  ) -> StoreError {
    guard error == .abandoned || call.abandons("transaction", error, &evaluation) else {
      return error
    }
    call.abandonment.discardsTransaction()
    return .abandoned
  }

  /// Runs the commands in order, as long as there is time, and room for their replies.
  private static func run(
    _ transaction: Transaction, _ evaluation: inout Evaluation, _ call: inout Call,
    _ bytes: RawSpan
  ) throws(StoreError) {
    var begun = call.meter.clock.now
    for queued in transaction.queued {
      guard !call.time.isOver(at: begun) else { throw .walkStopped }
      call.command = queued.command
      call.arguments.removeAll(keepingCapacity: true)
      call.arguments.append(contentsOf: transaction.arguments[queued.arguments])
      let errorsBefore = call.reply.errorCodes.count
      if call.isGated, !Gate.stillAdmits(queued.command, &call, bytes) {
        begun = call.meter.clock.now
        continue
      }
      try carryOut(queued.command, &evaluation, &call, bytes)
      call.didRunPart(bytes, errorsBefore: errorsBefore, since: &begun)
      // Without room for the replies the whole transaction is abandoned.
      try call.checkReply(&evaluation)
    }
  }

  /// Runs a command, given by its index in the table, as part of an evaluation.
  static func carryOut(
    _ index: Int, _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let start = call.reply.count
    let command = call.server.table.commands[index]
    if command.flags.contains(.scans) { call.hasScanned = true }
    do throws(StoreError) {
      switch command.handler {
      case .read(_, let handler), .write(let handler), .edit(_, let handler):
        try handler(&evaluation, &call, request)
      case .prepared(let prepare, let handler):
        defer { call.dumped = .unsound }
        try prepare(&call, request)
        try handler(&evaluation, &call, request)
      case .session(let handler):
        try handler(&call, request)
      }
      if call.disposition == .waiting || call.disposition == .parked {
        call.refuseToWait(takingBackTo: start)
      }
    } catch {
      // As in Redis, a mistake of the client in one command does not abort the others. A failure of the store,
      // or of the batch as a whole, does.
      switch error {
      case .keyTooLong, .valueTooLarge, .wrongType:
        call.reply.rewind(to: start)
        StoreErrorReply.write(error, to: &call.reply)
      default:
        throw error
      }
    }
  }
}
