import Base
import KVStore
import Synchronization

/// Serving one connection: receive, run what is complete, send what may be sent.
extension EventLoop {
  /// With more replies than this waiting, a connection's next requests wait too.
  static let replyByteCountBound = 1 << 20
  /// Larger buffers are given back to the system when they are empty.
  static let keptReplyByteCount = 1 << 20
  static let keptArgumentCount = 256
  /// How many positions in the log a connection's replies may wait for.
  static let heldPositionBound = 1 << 14
  /// After how many connections replies are sent.
  static let answeredTogether = 8
  /// How often a connection's replies may be sent in one turn to make room for more.
  static let roundsPerTurn = 4

  func serve(_ connection: Connection, _ ready: Poller.Interest, _ call: inout Call) {
    if connection.isLingering {
      discardInput(connection)
      return
    }
    if ready.contains(.read), connection.wantsToRead {
      if hasMemoryToReceive(connection) {
        guard receive(connection) else { return close(connection) }
      } else {
        starve(connection)
      }
    } else if !ready.isDisjoint(with: .hangUp) {
      return close(connection)
    }
    answer(connection, &call)
  }

  /// Carries out what has been received; the replies are sent together with those of others.
  ///
  /// Who sends wakes somebody, which costs as much as twenty commands: replies that leave one right after
  /// the other find their receiver awake.
  private func answer(_ connection: Connection, _ call: inout Call) {
    lend(&call, to: connection)
    runRequests(of: connection, &call)
    takeBack(&call, from: connection)
    takeBackInput(of: connection)
    answered.append(connection)
  }

  /// Sends what connections that were served may be sent.
  func sendAnswered(_ call: inout Call) {
    guard !answered.isEmpty else { return }
    let served = answered
    answered.removeAll(keepingCapacity: true)
    for connection in served { resume(connection, &call) }
  }

  private func lend(_ call: inout Call, to connection: Connection) {
    if connection.reply.bytes.capacity == 0 { swap(&connection.reply.bytes, &spareReply) }
    swap(&call.reply, &connection.reply)
    swap(&call.held, &connection.held)
    swap(&call.arguments, &connection.arguments)
    if !call.enter(connection.session) { connection.beginClosing() }
    call.hardReplyLimit = outputLimit(of: connection).hard
    call.reply.limit = replyLimit(of: connection, pending: call.reply.count)
    if call.hardReplyLimit > 0 { call.reply.limit = min(call.reply.limit, call.hardReplyLimit) }
  }

  private func takeBack(_ call: inout Call, from connection: Connection) {
    swap(&call.arguments, &connection.arguments)
    swap(&call.held, &connection.held)
    swap(&call.reply, &connection.reply)
    let lookups = connection.reply.takeLookups()
    counters.countLookups(hits: lookups.hits, misses: lookups.misses)
    if connection.session.feed != nil, !monitors.contains(where: { $0 === connection }) {
      monitors.append(connection)
    }
  }

  /// Runs what has been received as far as it may, and sends what may be sent.
  func resume(_ connection: Connection, _ call: inout Call) {
    guard connections[connection.token] === connection, !connection.isLingering else { return }
    lend(&call, to: connection)
    var isAlive = true
    var rounds = 0
    while true {
      runRequests(of: connection, &call)
      isAlive = send(connection, &call)
      // Sending may have made room for more of what was already received.
      guard isAlive, connection.isThrottled, !isBacklogged(call) else { break }
      connection.isThrottled = false
      rounds += 1
      if rounds == Self.roundsPerTurn {
        connection.isYielding = true
        break
      }
    }
    if isAlive, call.reply.count == 0, call.session.longRead != nil,
      !stillWaits(connection, replyByteCount: 0)
    {
      // Its reply has waited for those before it to be sent.
      connection.isYielding = true
    }
    takeBack(&call, from: connection)
    settle(connection, isAlive: isAlive)
  }

  /// So many replies wait that requests must too. Who reads is to be sent what there is, rather than cut
  /// off, when many small replies come near the hard limit.
  private func isBacklogged(_ call: borrowing Call) -> Bool {
    let hard = call.hardReplyLimit
    return call.reply.count
      > (hard > 0 ? min(hard / 2, Self.replyByteCountBound) : Self.replyByteCountBound)
      || call.held.count > Self.heldPositionBound
  }

  /// What this connection's replies may grow to: all that is left for clients, and a little in any case.
  private func replyLimit(of connection: Connection, pending: Int) -> Int {
    let left = max(server.memory.left, ClientMemory.ungatedByteCount)
    return min(pending + min(left, ReplyWriter.defaultLimit), ReplyWriter.defaultLimit)
  }

  /// Runs requests until there is none, until one has to wait, or until the connection has had its share of the
  /// turn, which is a slice of time: others that are ready come before the next one then. The time is looked at behind
  /// each request, so that one that takes longer is the last one of the slice.
  private func runRequests(of connection: Connection, _ call: inout Call) {
    let newestBefore = call.session.newest?.position
    var input = ByteBuffer()
    swap(&input, &connection.input)
    let waitedForRoom = connection.isParkedForRoom && connection.parkedByteCount != nil
    connection.isParkedForRoom = waitedForRoom
    call.hasScanned = false
    // No request is begun between the wish to stop and the drain.
    if handle.shouldStop, drainDeadline == nil { connection.isYielding = true }
    var hasRun = false
    var wasParked = false
    if !input.isEmpty { call.meter.begin() }
    let begun = call.meter.latest
    ahead.forget()
    while !connection.isClosing, !connection.isYielding {
      guard !isBacklogged(call) else {
        connection.isThrottled = true
        break
      }
      let byteCount: Int
      if let parked = connection.parkedByteCount {
        guard !mustWait(connection, forRoom: waitedForRoom, call) else {
          if !waitedForRoom { listAsWaiting(connection) }
          break
        }
        connection.isParkedForRoom = false
        connection.parkedByteCount = nil
        byteCount = parked
        wasParked = true
      } else {
        connection.decoder.isBeforeLogin = call.session.needsLogin
        let outcome = connection.decoder.next(in: &input, arguments: &call.arguments)
        if case .incomplete = outcome { break }
        switch outcome {
        case .incomplete: preconditionFailure("handled above")
        case .nothing(let count):
          input.consume(count)
          ahead.forget()
          continue
        case .failed(let error):
          error.write(to: &call.reply)
          call.countErrors()
          connection.beginClosing()
          continue
        case .request(let count): byteCount = count
        }
      }
      input.withBytes { bytes in
        ahead.advance(over: byteCount, of: bytes, call)
        let request = bytes.extracting(first: byteCount)
        Dispatcher.run(&call, request)
        call.didRun(request)
        call.reader.expectNothing()
      }
      if wasParked {
        wasParked = false
        switch call.disposition {
        case .next, .close: call.session.endWaiting()
        case .waiting: call.session.neededByteCount = 0
        case .parked: break
        }
      }
      switch call.disposition {
      case .next:
        input.consume(byteCount)
        hasRun = true
      case .close: connection.beginClosing()
      case .parked:
        connection.parkedByteCount = byteCount
        connection.isParkedForRoom = true
      case .waiting:
        connection.parkedByteCount = byteCount
        listAsWaiting(connection)
        if let time = connection.session.waitsUntil { timers[connection.token] = time }
      }
      if connection.parkedByteCount != nil { break }
      // The meter knows the time already.
      let isSliceOver = call.meter.latest &- begun >= sliceTicks && !input.isEmpty
      if call.hasScanned || isSliceOver {
        connection.isYielding = true
        break
      }
    }
    swap(&input, &connection.input)
    if hasRun { connection.hasRun = true }
    if connection.isParkedForRoom, !connection.isListedAsParked, !connection.isThrottled {
      connection.isListedAsParked = true
      parked.append(connection)
      call.isRoomAwaited = true
    }
    if let newest = call.session.newest?.position, newest != newestBefore,
      newest > store.durablePosition
    {
      syncTiming.didWrite()
    }
  }

  private func listAsWaiting(_ connection: Connection) {
    if !connection.isListedAsWaiting { waiting.append(connection) }
    connection.isListedAsWaiting = true
  }

  /// Sends what is durable; false if the connection is broken.
  private func send(_ connection: Connection, _ call: inout Call) -> Bool {
    if !call.held.isEmpty, let reason = store.poisoned { giveUpHeld(connection, &call, reason) }
    var sendable = call.held.sendableByteCount(
      of: call.reply.count, durable: store.durablePosition)
    connection.wantsToWrite = false
    while sendable > 0 {
      let outcome = call.reply.bytes.withBytes { bytes in
        System.send(connection.descriptor.number, bytes.extracting(first: sendable))
      }
      switch outcome {
      case .moved(let byteCount):
        call.reply.bytes.consume(byteCount)
        call.held.didSend(byteCount)
        counters.countSent(byteCount)
        sendable -= byteCount
        if deadlines.removeValue(forKey: connection.token) != nil {
          connection.session.record.blockedSince.store(.max, ordering: .relaxed)
        }
      case .wouldBlock:
        connection.wantsToWrite = true
        if deadlines[connection.token] == nil {
          let now = SystemClock.monotonicSeconds()
          deadlines[connection.token] = now + Int64(options.stallTimeoutSeconds)
          connection.session.record.blockedSince.store(now, ordering: .relaxed)
        }
        return true
      case .ended, .failed: return false
      }
    }
    return true
  }

  /// The log has failed: replies that waited for it must not go out as if it had not.
  ///
  /// The position is read after the failure was seen, so what is durable by then will ever be.
  private func giveUpHeld(_ connection: Connection, _ call: inout Call, _ reason: StoreError) {
    let durable = call.held.sendableByteCount(
      of: call.reply.count, durable: store.durablePosition)
    guard durable < call.reply.count else { return }
    call.reply.rewind(to: durable)
    call.held.clear()
    StoreErrorReply.writeOutcomeUnknown(reason, to: &call.reply)
    connection.beginClosing()
  }

  /// Lends back the buffers, and asks the poller for what the connection waits for now.
  private func settle(_ connection: Connection, isAlive: Bool) {
    guard isAlive else { return close(connection) }
    if connection.arguments.capacity > Self.keptArgumentCount, connection.input.isEmpty {
      connection.arguments = []
    }
    takeBackInput(of: connection)
    reclaim(&connection.reply.bytes, as: &spareReply, upTo: Self.keptReplyByteCount)
    if !connection.held.isEmpty, !connection.isListedAsHeld {
      connection.isListedAsHeld = true
      held.append(connection)
    }
    if connection.isYielding, !connection.isListedAsYielding {
      connection.isListedAsYielding = true
      yielding.append(connection)
    }
    account(connection)
    guard keepsLimits(connection) else { return close(connection) }
    if connection.reply.count == 0, connection.isIdle {
      if connection.isClosing { return linger(connection) }
      if connection.peerClosed { return close(connection) }
    }
    updateInterest(connection)
  }

  /// The next connection is lent the same buffer.
  private func takeBackInput(of connection: Connection) {
    if connection.input.isEmpty {
      reclaim(&connection.input, as: &spareInput, upTo: Self.receiveByteCount)
    } else if isHalfSent(connection) {
      connection.input.shrink(leaving: &spareInput)
    }
  }

  /// Enters what the connection takes now.
  private func account(_ connection: Connection) {
    let byteCount = connection.byteCount
    let record = connection.session.record
    record.inputByteCount.store(connection.input.count, ordering: .relaxed)
    record.replyByteCount.store(connection.reply.count, ordering: .relaxed)
    guard byteCount != connection.accountedByteCount else { return }
    server.memory.change(by: byteCount - connection.accountedByteCount)
    connection.accountedByteCount = byteCount
    record.memoryByteCount.store(byteCount, ordering: .relaxed)
  }

  private func reclaim(
    _ buffer: inout ByteBuffer, as spare: inout ByteBuffer, upTo limit: Int
  ) {
    guard buffer.isEmpty, buffer.capacity > 0 else { return }
    if spare.capacity == 0, buffer.capacity <= limit {
      swap(&buffer, &spare)
    } else {
      buffer.release()
    }
  }

  private func updateInterest(_ connection: Connection) {
    var interest: Poller.Interest = []
    if connection.wantsToRead { interest.insert(.read) }
    if connection.wantsToWrite { interest.insert(.write) }
    guard interest != connection.interest else { return }
    do throws(System.Failure) {
      try poller.change(connection.descriptor.number, token: connection.token, interest)
      connection.interest = interest
    } catch {
      close(connection)
    }
  }

  /// Closes the sending side and waits a moment for the client to close its own: to close both at
  /// once with input unread would reset the connection, and the client might never see the last reply.
  private func linger(_ connection: Connection) {
    System.endSending(connection.descriptor.number)
    guard !connection.peerClosed else { return close(connection) }
    connection.isLingering = true
    connection.wantsToWrite = false
    connection.releaseBuffers()
    account(connection)
    deadlines[connection.token] = SystemClock.monotonicSeconds() + 2
    connection.session.record.blockedSince.store(.max, ordering: .relaxed)
    updateInterest(connection)
  }

  private func discardInput(_ connection: Connection) {
    let outcome = System.receive(
      connection.descriptor.number, into: &spareInput, atLeast: Self.receiveByteCount,
      atMost: Self.receiveByteCount)
    spareInput.consume(spareInput.count)
    switch outcome {
    case .moved, .wouldBlock: break
    case .ended, .failed: close(connection)
    }
  }

  func close(_ connection: Connection) {
    guard connections.removeValue(forKey: connection.token) != nil else { return }
    deadlines.removeValue(forKey: connection.token)
    forget(connection)
    server.clients.leave(connection.session.record)
    server.gate.leave(connection.session)
    try? poller.remove(connection.descriptor.number)
    // It may still stand on lists that are gone through later.
    connection.releaseBuffers()
    account(connection)
  }
}
