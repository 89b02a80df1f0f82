import Base
import KVData
import KVStore

/// The context of a command handler: the request's arguments, the reply, the session, the server.
///
/// An event loop has one for its whole life. The parts that belong to a connection are swapped in while that
/// connection is served, so that nothing is allocated or looked up per command.
struct Call: ~Copyable {
  /// What the event loop does after a command.
  enum Disposition {
    case next
    /// The command waits for room in the store. It has done nothing yet and will be retried.
    case parked
    /// The command waits for something else, such as work on another thread, and is retried once that is done.
    case waiting
    /// Nothing more is read. The connection is closed once its replies are sent.
    case close
  }

  enum Note {
    case none
    /// Refused before anything was carried out.
    case rejected
    case queued
    /// There is no such command.
    case unknown
  }

  let loop: LoopResources

  // MARK: The client
  var session: Session
  var reply = ReplyWriter()
  /// Which of the pending replies wait for what.
  var held = ResponseWaits()
  /// How many unsent bytes this client may have before it is disconnected; 0 for no limit.
  var hardReplyLimit = 0
  /// The session's flag of the same name.
  var isGated = false
  /// Other connections are waiting for room in the store; they go first.
  var hasParkedConnections = false

  // MARK: The command
  /// The arguments, including the command's name, as byte ranges of the request.
  var arguments: [Range<Int>] = []
  /// The index of the current command in the table.
  var command = 0
  var surroundings = Surroundings()
  var disposition = Disposition.next
  /// The outcome of the command, apart from its reply.
  var note = Note.none
  /// The command may have taken long. Other connections are served before the next command of this one.
  var hasScanned = false
  var abandonment = Abandonment()
  /// The content of the dump of the current RESTORE.
  var dumped = DumpedValue.Finding.unsound
  /// Key ranges for calls into the store; reused for its capacity.
  var keys: [Range<Int>] = []
  /// Times commands; see `recordOutcome`.
  var meter = CommandMeter()
  private let lentInPlace = LentInPlace()

  init(_ loop: LoopResources, session: Session) {
    self.loop = loop
    self.session = session
  }

  /// Switches to the session whose requests are served next. Returns false if that session is to be closed.
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

  /// To be called after this session has changed something that the gate depends on.
  mutating func refreshGate() {
    _ = server.gate.refresh(session, server.users)
    isGated = session.isGated
  }

  /// The byte range of argument `index` in the request.
  @inline(__always)
  subscript(index: Int) -> Range<Int> { arguments[index] }

  var count: Int { arguments.count }

  /// The sequence up to which reads must see writes that are not published yet, so that this connection sees
  /// its own. 0 once its newest write is durable.
  ///
  /// The reply to such a read comes after the reply to the write, and is held together with it.
  @inline(__always)
  var through: SequenceNumber {
    guard let newest = session.newest, newest.position > store.durablePosition else { return 0 }
    return newest.sequence
  }

  /// Runs `body` as one atomic batch and holds its reply until the batch is durable.
  ///
  /// If the store has no room for `byteCount` more bytes, the call is parked and nothing has happened. The same
  /// goes if the batch turns out to need more room than there is: it is rolled back, and `body` runs again once
  /// there is room for what it wrote. Until then it is as if it had never run.
  @inline(__always)
  mutating func evaluate(
    byteCount: Int, onlyDeletes: Bool = false,
    _ body: (inout Evaluation, inout Call) throws(StoreError) -> Void
  ) throws(StoreError) {
    guard !hasParkedConnections, try isAdmitted(byteCount: byteCount, onlyDeletes: onlyDeletes)
    else {
      return park(expecting: byteCount, onlyDeletes: onlyDeletes)
    }
    let start = reply.count
    do throws(StoreError) {
      try evaluateAdmitted(holdingFrom: start, onlyDeletes: onlyDeletes) {
        (evaluation, call) throws(StoreError) in
        do throws(StoreError) {
          try body(&evaluation, &call)
          try call.checkReply(&evaluation)
          // Expired keys that the command met are removed in the same batch.
          if evaluation.hasMetExpired { try call.remove(evaluation.expiredKeysSeen, &evaluation) }
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

  /// Nothing has happened. The command is retried once range deletes have been carried out. Other connections
  /// do not wait for it.
  @inline(never)
  private mutating func waitForRangeDeletes(from start: Int) {
    forgetAttempt(from: start)
    session.awaitsRangeDeletes = true
    disposition = .waiting
  }

  /// Whether the store has room for the call: for what its last attempt wrote, if there was one, or for what it
  /// is expected to write.
  @inline(__always)
  private mutating func isAdmitted(
    byteCount: Int, onlyDeletes: Bool
  ) throws(StoreError) -> Bool {
    if session.neededByteCount > 0 { return try isReadmitted(onlyDeletes: onlyDeletes) }
    // The request is slightly larger than its batch; the store itself checks the size of the batch.
    let room = min(byteCount, Limits.batchByteCount)
    return try store.tryAdmit(byteCount: room, onlyDeletes: onlyDeletes)
  }

  @inline(never)
  private mutating func isReadmitted(onlyDeletes: Bool) throws(StoreError) -> Bool {
    let needed = session.neededByteCount
    // Kept only if the call is parked again. Otherwise it runs now, or is refused.
    session.neededByteCount = 0
    let isAdmitted = try store.tryAdmit(
      byteCount: needed, onlyDeletes: onlyDeletes, isMeasured: true)
    if !isAdmitted { session.neededByteCount = needed }
    isRerun = isAdmitted
    return isAdmitted
  }

  /// Parks a call that has done nothing, until there is room for what it is expected to write.
  @inline(never)
  private mutating func park(expecting byteCount: Int, onlyDeletes: Bool) {
    session.awaitRoom(
      byteCount: min(byteCount, Limits.batchByteCount), onlyDeletes: onlyDeletes)
    disposition = .parked
  }

  /// Parks a call whose batch was rolled back, until there is room for `byteCount` bytes.
  @inline(never)
  private mutating func park(needing byteCount: Int, onlyDeletes: Bool, takingBackTo start: Int) {
    session.awaitRoom(byteCount: byteCount, onlyDeletes: onlyDeletes)
    forgetAttempt(from: start)
    session.neededByteCount = byteCount
    disposition = .parked
  }

  /// Discards what a rolled-back attempt left in the call: as if it had never run.
  private mutating func forgetAttempt(from start: Int) {
    reply.takeBack(to: start)
    reply.errorCodes.removeAll()
    abandonment = Abandonment()
    isRerun = false
  }

  /// Holds the error of a failed evaluation, which the caller writes at `start`. The error may reveal what the
  /// evaluation has read, and that may not be durable yet.
  @inline(never)
  private mutating func hold(_ error: StoreError, from start: Int) {
    isRerun = false
    if DeliberateBug.sendsErrorsAtOnce.isOn { return }
    // With a poisoned log nothing becomes durable any more, and that is what the error says.
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

  /// Runs `body` as one atomic batch that was admitted, and holds replies from `start` on until it is durable.
  /// Throws `.noRoom` if it needs more room than there is; its reply is then still in place.
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
      receipt = replyAbandoned(from: start)
    }
    isRerun = false
    hold(receipt, from: start)
  }

  /// Removes the keys that a reading command found to be expired, and holds its reply, from `start` on, until
  /// that is durable. A client that was told that a key has expired is never told otherwise, whatever happens
  /// to the server and its clock.
  ///
  /// If there is no room for the removal, the reply is sent all the same.
  @inline(never)
  mutating func removeExpiredMet(holdingFrom start: Int) {
    defer { reader.forgetExpired() }
    let keys = reader.expiredKeysSeen
    remove(expired: keys, andMore: reader.expiredKeysSeenCount > keys.count, holdingFrom: start)
  }

  /// The same for a list of expired keys. If there were more of them (`areMore`), the store's clock is recorded
  /// too, so that those stay expired.
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
      // The store reports its failure to the next write. Reads continue.
    }
  }

  /// Removes those of `keys` that have expired. A damaged value stays, because the command that met it may not
  /// depend on it.
  @inline(never)
  func remove(
    _ keys: [[UInt8]], _ evaluation: inout Evaluation
  ) throws(StoreError) {
    for key in keys where !store.isReadOnly(partitionOf: key.rawSpan) {
      do throws(StoreError) {
        if try Records.removeExpired(key.rawSpan, in: &evaluation) {
          server.expiredKeysSeenCount.add(1, ordering: .relaxed)
        }
      } catch {
        guard error.isDamagedValue else { throw error }
      }
    }
  }

  /// Replies with the error for too few or too many arguments.
  mutating func wrongArity(_ name: String) {
    reply.error("ERR wrong number of arguments for '\(name)' command")
  }

  mutating func notAnInteger() {
    reply.error("ERR value is not an integer or out of range")
  }

  mutating func syntaxError() { reply.error("ERR syntax error") }
}

extension Call {
  /// Whether the running script must end for a reason other than its time limit: its reply is lost, so that the
  /// rest is pointless; it was killed; or the server is stopping.
  ///
  /// The last two apply only inside an evaluation. A script that is only compiled is usually not part of one;
  /// the script that `runningScript` then refers to belongs to another event loop.
  var shouldStopScript: Bool {
    isReplyLost
      || reader.pace.isEvaluating && (server.runningScript.isKilled || time.isStopped())
  }
}
