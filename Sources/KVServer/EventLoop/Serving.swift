import Base
import KVStore
import Net
import Synchronization

/// Serving one connection: receive, run complete requests, send the replies that may be sent.
extension EventLoop {
  /// With more pending reply bytes than this, a connection's next requests wait.
  static let replyByteCountBound = 1 << 20
  /// Empty buffers larger than this are returned to the system.
  static let keptReplyByteCount = 1 << 20
  static let keptArgumentCount = 256
  /// How many log positions a connection's replies may wait for.
  static let heldPositionBound = 1 << 14
  /// Replies are sent after this many connections were served.
  static let sendBatchSize = 8
  /// How often per turn one connection's replies may be sent to make room for more.
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
        waitForMemory(connection)
      }
    } else if !ready.isDisjoint(with: .hangUp) {
      return close(connection)
    }
    answer(connection, &call)
  }

  /// Runs the requests received. Replies of several connections are sent together.
  ///
  /// Each send wakes the receiver, which costs as much as twenty commands; when sends follow each other
  /// closely, the receiver is already awake.
  private func answer(_ connection: Connection, _ call: inout Call) {
    lend(&call, to: connection)
    runRequests(of: connection, &call)
    takeBack(&call, from: connection)
    returnInputBuffer(of: connection)
    pendingSends.append(connection)
  }

  /// Sends the replies of the connections that were served.
  func sendPending(_ call: inout Call) {
    guard !pendingSends.isEmpty else { return }
    let served = pendingSends
    pendingSends.removeAll(keepingCapacity: true)
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

  /// Runs the requests received as far as possible and sends the replies that may be sent.
  func resume(_ connection: Connection, _ call: inout Call) {
    guard connections[connection.token] === connection, !connection.isLingering else { return }
    lend(&call, to: connection)
    var isAlive = true
    var rounds = 0
    while true {
      runRequests(of: connection, &call)
      isAlive = send(connection, &call)
      // Sending may have made room for replies to more of the requests received.
      guard isAlive, connection.isThrottled, !isBacklogged(call) else { break }
      connection.isThrottled = false
      rounds += 1
      if rounds == Self.roundsPerTurn {
        connection.isYielding = true
        break
      }
    }
    if isAlive, call.reply.count == 0, call.session.longRead != nil,
      !isStillBlocked(connection, replyByteCount: 0)
    {
      // Its reply waited until those before it were sent.
      connection.isYielding = true
    }
    takeBack(&call, from: connection)
    settle(connection, isAlive: isAlive)
  }

  /// Whether so many replies are pending that requests must wait. The threshold is at most half the hard
  /// limit: a client that reads must not be cut off because many small replies add up to that limit.
  private func isBacklogged(_ call: borrowing Call) -> Bool {
    let hard = call.hardReplyLimit
    return call.reply.count
      > (hard > 0 ? min(hard / 2, Self.replyByteCountBound) : Self.replyByteCountBound)
      || call.held.count > Self.heldPositionBound
  }

  /// The most bytes this connection's replies may grow to: the memory left for clients, but always at least
  /// `BufferMemory.ungatedByteCount` more than is pending.
  private func replyLimit(of connection: Connection, pending: Int) -> Int {
    let left = max(server.memory.left, BufferMemory.ungatedByteCount)
    return min(pending + min(left, ReplyWriter.defaultLimit), ReplyWriter.defaultLimit)
  }

  /// Runs requests until no complete one is left, one has to wait, or the connection's time slice is over;
  /// then other ready connections come first. The time is checked after each request, so a slow one ends
  /// the slice.
  private func runRequests(of connection: Connection, _ call: inout Call) {
    let newestBefore = call.session.newest?.position
    var input = ByteBuffer()
    swap(&input, &connection.input)
    let waitedForRoom = connection.isParkedForRoom && connection.parkedByteCount != nil
    connection.isParkedForRoom = waitedForRoom
    call.hasScanned = false
    // Between the stop request and the drain no request is started.
    if handle.shouldStop, drainDeadline == nil { connection.isYielding = true }
    var hasRun = false
    var wasParked = false
    if !input.isEmpty { call.meter.begin() }
    let begun = call.meter.latest
    prefetcher.forget()
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
          prefetcher.forget()
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
        prefetcher.advance(over: byteCount, of: bytes, call)
        let request = bytes.extracting(first: byteCount)
        Dispatcher.run(&call, request)
        call.recordOutcome(request)
        call.reader.clearPreparedKey()
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
      // The meter has already read the clock.
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
      call.hasParkedConnections = true
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
    if !call.held.isEmpty, let reason = store.poisoned {
      failHeldReplies(connection, &call, reason)
    }
    var sendable = call.held.sendableByteCount(
      of: call.reply.count, durable: store.durablePosition)
    connection.wantsToWrite = false
    while sendable > 0 {
      let outcome = call.reply.bytes.withBytes { bytes in
        Socket.send(connection.descriptor.number, bytes.extracting(first: sendable))
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

  /// The log has failed: replaces the held replies by an error, because their writes may not be durable.
  ///
  /// The durable position is read after the failure was observed, so it no longer advances.
  private func failHeldReplies(_ connection: Connection, _ call: inout Call, _ reason: StoreError) {
    let durable = call.held.sendableByteCount(
      of: call.reply.count, durable: store.durablePosition)
    guard durable < call.reply.count else { return }
    call.reply.rewind(to: durable)
    call.held.clear()
    StoreErrorReply.writeOutcomeUnknown(reason, to: &call.reply)
    connection.beginClosing()
  }

  /// Takes back lent buffers and registers with the poller what the connection waits for.
  private func settle(_ connection: Connection, isAlive: Bool) {
    guard isAlive else { return close(connection) }
    if connection.arguments.capacity > Self.keptArgumentCount, connection.input.isEmpty {
      connection.arguments = []
    }
    returnInputBuffer(of: connection)
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
    guard staysWithinLimits(connection) else { return close(connection) }
    if connection.reply.count == 0, connection.isIdle {
      if connection.isClosing { return linger(connection) }
      if connection.peerClosed { return close(connection) }
    }
    updateInterest(connection)
  }

  /// Keeps an empty input buffer for the next connection.
  private func returnInputBuffer(of connection: Connection) {
    if connection.input.isEmpty {
      reclaim(&connection.input, as: &spareInput, upTo: Self.receiveByteCount)
    } else if wastesInputBuffer(connection) {
      connection.input.shrink(leaving: &spareInput)
    }
  }

  /// Updates the memory accounted to the connection.
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
    do throws(IOError) {
      try poller.change(connection.descriptor.number, token: connection.token, interest)
      connection.interest = interest
    } catch {
      close(connection)
    }
  }

  /// Closes the sending side and waits up to two seconds for the client to close its own. Closing both at
  /// once with unread input would reset the connection, and the client might never see the last reply.
  private func linger(_ connection: Connection) {
    Socket.endSending(connection.descriptor.number)
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
    let outcome = Socket.receive(
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
    // The connection may still be on lists that are processed later.
    connection.releaseBuffers()
    account(connection)
  }
}
