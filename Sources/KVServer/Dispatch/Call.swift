import Base
import KVData
import KVStore

/// What a command handler works with: the request's arguments, the reply, the session, the server.
///
/// One lives as long as its event loop; the parts that belong to a connection are swapped in while
/// that connection is served, so that nothing is allocated or looked up per command.
struct Call: ~Copyable {
  /// What the event loop does after a command.
  enum Disposition {
    case next
    /// The command has to wait for room in the store: it has done nothing yet and is tried again.
    case parked
    /// The command has to wait for work on another thread, and is tried again when that has signalled.
    case waiting
    /// Nothing more is read; the connection closes once its replies are sent.
    case close
  }

  enum Note {
    case none
    /// Refused for what it is, before anything was carried out.
    case rejected
    case queued
    /// There is no such command.
    case unknown
  }

  let server: ServerState
  let store: Store
  let reader: Reader
  let counters: LoopCounters
  /// For work on other threads to say that it is done; parked calls are then tried again.
  let handle: LoopHandle
  var session: Session
  var reply = ReplyWriter()
  var held = HeldReplies()
  /// The arguments of the request, the command's name among them, as ranges of its bytes.
  var arguments: [Range<Int>] = []
  var disposition = Disposition.next
  /// The command may have taken long; others are to get their turn before the next.
  var hasScanned = false
  /// The command is carried out by `LongRead`: nobody waits for this thread but its client.
  var isOnThreadOfItsOwn = false
  /// The command looks for the key of a cursor that is not kept.
  var isResuming = false
  /// Other connections wait for room in the store, and come first.
  var isRoomAwaited = false
  /// What may wait to be sent to this client before it is cut off; 0 for no limit.
  var hardReplyLimit = 0
  /// The session's flag of the same name.
  var isGated = false
  /// The index of the command under way in the table.
  var command = 0
  /// What became of the command, beside its reply.
  var note = Note.none
  /// Times commands; see `didRun`.
  var meter = CommandMeter()
  var thresholds = Thresholds()
  /// The command is one of those that EXEC carries out.
  var isExecuting = false
  /// Somebody is told of every command.
  var isMonitored = false
  let statistics: LoopStatistics
  /// The evaluation has run before and was rolled back for lack of room: it was told of and counted then.
  var isRerun = false
  /// The command is one that a script calls.
  var isInScript = false
  /// Runs this event loop's scripts.
  let lua: LuaMachine
  /// Bounds this event loop's evaluations.
  let time: EvaluationTime
  var abandonment = Abandonment()
  /// What the dump of the RESTORE under way holds.
  var dumped = DumpedValue.Finding.unsound
  /// Ranges of keys for calls into the store, kept for their capacity.
  var keys: [Range<Int>] = []
  private let lookups = LookupPrefetcher()
  private let lentInPlace = LentInPlace()

  init(
    server: ServerState, counters: LoopCounters, statistics: LoopStatistics, handle: LoopHandle,
    session: Session
  ) {
    self.statistics = statistics
    self.handle = handle
    self.server = server
    self.store = server.store
    self.reader = server.store.makeReader()
    self.counters = counters
    self.session = session
    lua = LuaMachine(server.options, server.scripts)
    time = EvaluationTime(handle, reader.pace, milliseconds: server.options.scriptMilliseconds)
  }

  /// The session whose requests are carried out from now on; false if it is to be closed.
  @inline(__always)
  mutating func enter(_ session: Session) -> Bool {
    self.session = session
    var isAlive = true
    if session.gateRevision != server.gate.revision {
      isAlive = server.gate.refresh(session, server.users)
    }
    isGated = session.isGated
    return isAlive
  }

  /// After this session has changed what the gate goes by.
  mutating func refreshGate() {
    _ = server.gate.refresh(session, server.users)
    isGated = session.isGated
  }

  /// Where argument `index` stands in the request.
  @inline(__always)
  subscript(index: Int) -> Range<Int> { arguments[index] }

  var count: Int { arguments.count }

  /// Up to which sequence this connection's reads must see its own writes: 0 once they are published.
  ///
  /// The reply then stands behind the reply of the write itself, and is held with it.
  @inline(__always)
  var through: SequenceNumber {
    guard let newest = session.newest, newest.position > store.durablePosition else { return 0 }
    return newest.sequence
  }

  /// Runs `body` as one atomic batch and holds what it replies until the batch is durable.
  ///
  /// If the store has no room for `byteCount` more bytes the call is parked and nothing has happened. So it is
  /// where the batch turns out to need more than there is room for: it is rolled back, and `body` runs again once
  /// there is room for what it has written; until then it is as if it had never run.
  @inline(__always)
  mutating func evaluate(
    byteCount: Int, onlyDeletes: Bool = false,
    _ body: (inout Evaluation, inout Call) throws(StoreError) -> Void
  ) throws(StoreError) {
    guard !isRoomAwaited, try isAdmitted(byteCount: byteCount, onlyDeletes: onlyDeletes) else {
      return park(expecting: byteCount, onlyDeletes: onlyDeletes)
    }
    let start = reply.count
    do throws(StoreError) {
      try evaluateAdmitted(holdingFrom: start, onlyDeletes: onlyDeletes) {
        (evaluation, call) throws(StoreError) in
        do throws(StoreError) {
          try body(&evaluation, &call)
          try call.checkReply(&evaluation)
          // A command that met expired keys removes them, as a part of its own batch.
          let expired = evaluation.expiredMet
          if !expired.isEmpty { try call.remove(expired, &evaluation) }
        } catch {
          throw call.abandons("command", error, &evaluation) ? .abandoned : error
        }
      }
    } catch .noRoom(let needed) {
      park(needing: needed, onlyDeletes: onlyDeletes, takingBackTo: start)
    } catch .rangeDeletesPending {
      waitForRangeDeletes(from: start)
    } catch {
      hold(error, from: start)
      throw error
    }
  }

  /// Nothing has happened; the command is tried again once range deletes have been carried out. Other
  /// connections do not wait for it.
  @inline(never)
  private mutating func waitForRangeDeletes(from start: Int) {
    reply.takeBack(to: start)
    reply.errorCodes.removeAll()
    abandonment = Abandonment()
    isRerun = false
    session.awaitsRangeDeletes = true
    disposition = .waiting
  }

  /// Whether the store has room for the call: for what its last try has written, if it had one, or for what it is
  /// expected to write.
  @inline(__always)
  private mutating func isAdmitted(
    byteCount: Int, onlyDeletes: Bool
  ) throws(StoreError) -> Bool {
    if session.neededByteCount > 0 { return try isReadmitted(onlyDeletes: onlyDeletes) }
    // The request is a little larger than the batch in it, which the store itself measures.
    let room = min(byteCount, Limits.batchByteCount)
    return try store.tryAdmit(byteCount: room, onlyDeletes: onlyDeletes)
  }

  @inline(never)
  private mutating func isReadmitted(onlyDeletes: Bool) throws(StoreError) -> Bool {
    let needed = session.neededByteCount
    // Parked again, it still needs so much; otherwise it runs now, or is refused.
    session.neededByteCount = 0
    let isAdmitted = try store.tryAdmit(
      byteCount: needed, onlyDeletes: onlyDeletes, isMeasured: true)
    if !isAdmitted { session.neededByteCount = needed }
    isRerun = isAdmitted
    return isAdmitted
  }

  /// Before anything was done: the call is tried again when there is room for what it is expected to write.
  @inline(never)
  private mutating func park(expecting byteCount: Int, onlyDeletes: Bool) {
    session.awaitRoom(
      byteCount: min(byteCount, Limits.batchByteCount), onlyDeletes: onlyDeletes)
    disposition = .parked
  }

  /// After a batch was rolled back: the call is tried again when there is room for so much.
  @inline(never)
  private mutating func park(needing byteCount: Int, onlyDeletes: Bool, takingBackTo start: Int) {
    session.awaitRoom(byteCount: byteCount, onlyDeletes: onlyDeletes)
    reply.takeBack(to: start)
    reply.errorCodes.removeAll()
    abandonment = Abandonment()
    isRerun = false
    session.neededByteCount = byteCount
    disposition = .parked
  }

  /// Holds the error that an evaluation ended with, which the caller writes at `start`: it may tell of what
  /// the evaluation has read, and that may not be durable yet.
  @inline(never)
  private mutating func hold(_ error: StoreError, from start: Int) {
    isRerun = false
    if DeliberateBug.sendsErrorsAtOnce.isOn { return }
    // With a log that has failed nothing becomes durable any more, and that is what the error says.
    if store.poisoned != nil { return }
    hold(store.newestReceipt, from: start)
  }

  /// Holds replies from `start` on until the batch of `receipt` is durable.
  @inline(__always)
  private mutating func hold(_ receipt: Receipt, from start: Int) {
    session.newest = receipt
    if receipt.position > store.durablePosition {
      held.hold(from: start, until: receipt.position)
    }
  }

  /// Runs `body` as one atomic batch that there is room for, and holds replies from `start` on until it is
  /// durable. Throws `.noRoom` where it needs more, with its reply still in place.
  @inline(__always)
  private mutating func evaluateAdmitted(
    holdingFrom start: Int, onlyDeletes: Bool,
    _ body: (inout Evaluation, inout Call) throws(StoreError) -> Void
  ) throws(StoreError) {
    let receipt: Receipt
    do throws(StoreError) {
      receipt = try store.evaluate(with: reader, onlyDeletes: onlyDeletes) {
        (evaluation) throws(StoreError) in
        try body(&evaluation, &self)
      }.receipt
    } catch .abandoned {
      receipt = tellAbandonment(from: start)
    }
    isRerun = false
    hold(receipt, from: start)
  }

  /// Removes what the reads of a command have found to be expired, and holds what it replied, from `start`
  /// on, until that is durable: a client that was told so once is never told otherwise, whatever becomes of
  /// the server and its clock.
  ///
  /// Where there is no room for that at the moment, the reply goes out all the same.
  @inline(never)
  mutating func removeExpiredMet(holdingFrom start: Int) {
    defer { reader.forgetExpired() }
    let keys = reader.expiredMet
    remove(expired: keys, andMore: reader.expiredMetCount > keys.count, holdingFrom: start)
  }

  /// The same for expired keys that are known.
  mutating func remove(expired keys: [[UInt8]], andMore areMore: Bool, holdingFrom start: Int) {
    do throws(StoreError) {
      var byteCount = 64
      for key in keys {
        byteCount += try 2 * key.count + 64 + Records.touch(key.rawSpan, with: reader)
      }
      guard
        try store.tryAdmit(byteCount: min(byteCount, Limits.batchByteCount), onlyDeletes: true)
      else { return }
      try evaluateAdmitted(holdingFrom: start, onlyDeletes: true) {
        (evaluation, call) throws(StoreError) in
        try call.remove(keys, &evaluation)
        if areMore { try evaluation.putClock() }
      }
    } catch {
      // The store tells of its failure wherever something is written; reads go on.
    }
  }

  /// Asks for what memtables hold of keys that will be written, all together: to wait for memory is what most of
  /// a write takes otherwise.
  ///
  /// - Parameter keys: at most `LookupPrefetcher.limit` arguments.
  func fetch(keys: StrideTo<Int>, _ request: RawSpan) {
    lookups.removeAll()
    for index in keys { lookups.append(self[index], of: request, readsFile: false, in: reader) }
    lookups.run(in: request, reader)
  }

  /// Removes those of `keys` that have expired. What is damaged stays: the command that met it may have nothing to do
  /// with it.
  @inline(never)
  func remove(
    _ keys: [[UInt8]], _ evaluation: inout Evaluation
  ) throws(StoreError) {
    for key in keys where !store.isReadOnly(partitionOf: key.rawSpan) {
      do throws(StoreError) {
        if try Records.removeExpired(key.rawSpan, in: &evaluation) {
          server.expiredMetCount.add(1, ordering: .relaxed)
        }
      } catch {
        guard error.isDamagedValue else { throw error }
      }
    }
  }

  /// The error for too few or too many arguments.
  mutating func wrongArity(_ name: String) {
    reply.error("ERR wrong number of arguments for '\(name)' command")
  }

  mutating func notAnInteger() {
    reply.error("ERR value is not an integer or out of range")
  }

  mutating func syntaxError() { reply.error("ERR syntax error") }
}

extension Call {
  /// Whether the script under way is to end, for another reason than that its time is up. With a reply that is lost there
  /// is no point in the rest of it. One that is only compiled is part of no evaluation as a rule, and the script that
  /// runs is then one of another event loop.
  var isScriptToEnd: Bool {
    isReplyLost
      || reader.pace.isEvaluating && (server.runningScript.isKilled || time.isStopped())
  }
}
