import KVStore
import Synchronization

/// Serving one connection: receive, run what is complete, send what may be sent.
extension EventLoop {
  /// How much is received at once.
  static let receiveByteCount = 64 << 10
  static let largestReceiveByteCount = 4 << 20
  /// With more replies than this waiting, a connection's next requests wait too.
  static let replyByteCountBound = 1 << 20
  /// Larger buffers are given back to the system when they are empty.
  static let keptBufferByteCount = 1 << 20
  static let keptArgumentCount = 256

  func serve(_ connection: Connection, _ ready: Poller.Interest, _ call: inout Call) {
    if connection.isLingering {
      discardInput(connection)
      return
    }
    if ready.contains(.read), connection.wantsToRead {
      guard receive(connection) else { return close(connection) }
    } else if !ready.isDisjoint(with: .hangUp) {
      return close(connection)
    }
    resume(connection, &call)
  }

  /// Runs what has been received as far as it may, and sends what may be sent.
  func resume(_ connection: Connection, _ call: inout Call) {
    guard connections[connection.token] === connection, !connection.isLingering else { return }
    if connection.reply.bytes.capacity == 0 { swap(&connection.reply.bytes, &spareReply) }
    swap(&call.reply, &connection.reply)
    swap(&call.held, &connection.held)
    swap(&call.arguments, &connection.arguments)
    call.session = connection.session
    var isAlive = true
    while true {
      runRequests(of: connection, &call)
      isAlive = send(connection, &call)
      // Sending may have made room for more of what was already received.
      guard isAlive, connection.isThrottled, call.reply.count <= Self.replyByteCountBound else {
        break
      }
      connection.isThrottled = false
    }
    swap(&call.arguments, &connection.arguments)
    swap(&call.held, &connection.held)
    swap(&call.reply, &connection.reply)
    settle(connection, isAlive: isAlive)
  }

  /// False if the connection is broken.
  private func receive(_ connection: Connection) -> Bool {
    if connection.input.capacity == 0 { swap(&connection.input, &spareInput) }
    let wanted = connection.decoder.wantedByteCount - connection.input.count
    let outcome = System.receive(
      connection.descriptor.number, into: &connection.input,
      atLeast: min(max(wanted, Self.receiveByteCount), Self.largestReceiveByteCount))
    switch outcome {
    case .moved(let byteCount):
      counters.countReceived(byteCount)
      connection.session.record.lastActiveAt.store(
        System.monotonicSeconds(), ordering: .relaxed)
    case .wouldBlock: break
    case .ended: connection.hasEnded = true
    case .failed: return false
    }
    return true
  }

  private func runRequests(of connection: Connection, _ call: inout Call) {
    let newestBefore = call.session.newest?.position
    var input = ByteBuffer()
    swap(&input, &connection.input)
    while !connection.isClosing {
      guard call.reply.count <= Self.replyByteCountBound else {
        connection.isThrottled = true
        break
      }
      let byteCount: Int
      if let parked = connection.parkedByteCount {
        connection.parkedByteCount = nil
        byteCount = parked
      } else {
        let outcome = connection.decoder.next(in: &input, arguments: &call.arguments)
        if case .incomplete = outcome { break }
        switch outcome {
        case .incomplete: preconditionFailure("handled above")
        case .nothing(let count):
          input.consume(count)
          continue
        case .failed(let error):
          error.write(to: &call.reply)
          connection.isClosing = true
          continue
        case .request(let count): byteCount = count
        }
      }
      input.withBytes { Dispatcher.run(&call, $0.extracting(first: byteCount)) }
      switch call.disposition {
      case .next: input.consume(byteCount)
      case .close: connection.isClosing = true
      case .parked: connection.parkedByteCount = byteCount
      }
      if connection.parkedByteCount != nil { break }
    }
    swap(&input, &connection.input)
    if connection.parkedByteCount != nil, !connection.isListedAsParked {
      connection.isListedAsParked = true
      parked.append(connection)
    }
    if let newest = call.session.newest?.position, newest != newestBefore,
      newest > store.durablePosition
    {
      hasUnsynced = true
    }
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
        deadlines.removeValue(forKey: connection.token)
      case .wouldBlock:
        connection.wantsToWrite = true
        if deadlines[connection.token] == nil {
          deadlines[connection.token] =
            System.monotonicSeconds() + Int64(server.options.stallTimeoutSeconds)
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
    connection.isClosing = true
  }

  /// Lends back the buffers, and asks the poller for what the connection waits for now.
  private func settle(_ connection: Connection, isAlive: Bool) {
    guard isAlive else { return close(connection) }
    if connection.arguments.capacity > Self.keptArgumentCount, connection.input.isEmpty {
      connection.arguments = []
    }
    reclaim(&connection.input, as: &spareInput)
    reclaim(&connection.reply.bytes, as: &spareReply)
    if !connection.held.isEmpty, !connection.isListedAsHeld {
      connection.isListedAsHeld = true
      held.append(connection)
    }
    if connection.reply.count == 0, connection.parkedByteCount == nil, !connection.isThrottled {
      if connection.isClosing { return linger(connection) }
      if connection.hasEnded { return close(connection) }
    }
    updateInterest(connection)
  }

  private func reclaim(_ buffer: inout ByteBuffer, as spare: inout ByteBuffer) {
    guard buffer.isEmpty, buffer.capacity > 0 else { return }
    if spare.capacity == 0, buffer.capacity <= Self.keptBufferByteCount {
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
    guard !connection.hasEnded else { return close(connection) }
    connection.isLingering = true
    connection.wantsToWrite = false
    connection.input = ByteBuffer()
    deadlines[connection.token] = System.monotonicSeconds() + 2
    updateInterest(connection)
  }

  private func discardInput(_ connection: Connection) {
    let outcome = System.receive(
      connection.descriptor.number, into: &spareInput, atLeast: Self.receiveByteCount)
    spareInput.consume(spareInput.count)
    switch outcome {
    case .moved, .wouldBlock: break
    case .ended, .failed: close(connection)
    }
  }

  func close(_ connection: Connection) {
    guard connections.removeValue(forKey: connection.token) != nil else { return }
    deadlines.removeValue(forKey: connection.token)
    parked.removeAll { $0 === connection }
    server.clients.leave(connection.session.record)
    try? poller.remove(connection.descriptor.number)
  }
}
