import Base

/// Serving one connection: receive, run the requests that are complete, send what is ready.
extension EventLoop {
  /// How often per turn one connection's output may be sent to make room for more.
  private static var roundsPerTurn: Int { 4 }
  /// Empty buffers larger than this are returned to the system.
  private static var keptOutputByteCount: Int { 1 << 20 }

  /// How long one connection's requests may run before other connections are served. The protocol compares it with
  /// the clock.
  public static var sliceMicroseconds: Int { 1000 }

  func serve(_ connection: Connection, _ ready: Poller.Interest) {
    if case .lingering = connection.state { return discardInput(connection) }
    if ready.contains(.read), connection.wantsToRead {
      if hasMemoryToReceive(connection) {
        guard receive(connection) else { return }
      } else {
        waitForMemory(connection)
      }
    } else if !ready.isDisjoint(with: .hangUp) {
      return close(connection)
    }
    if case .receiving = connection.state { advance(connection) }
    served.append(connection)
  }

  /// Sends the output of the connections that were served. Each send wakes the receiver, which costs as much as
  /// running twenty small requests; when sends follow each other closely, the receiver is already awake.
  func sendServed() {
    guard !served.isEmpty else { return }
    swap(&served, &sending)
    for connection in sending { send(connection) }
    sending.removeAll(keepingCapacity: true)
  }

  // MARK: Input

  /// Has the protocol run the requests received, as far as possible.
  func advance(_ connection: Connection) {
    if connection.output.bytes.capacity == 0 { swap(&connection.output.bytes, &spareOutput) }
    // Between the stop request and the drain no request is started.
    if handle.shouldStop, drainDeadline == nil {
      enter(.yielding, connection)
    } else {
      let before = connection.input.count
      let next = wire.advance(connection, on: self)
      // What is left begins a new request.
      if connection.input.count != before { setTime(&connection.receivingSince, nil) }
      enter(next, connection)
    }
    returnInputBuffer(of: connection)
  }

  /// Puts the connection into another state, and on the list of those in that state.
  @inline(__always)
  func enter(_ state: ConnectionState, _ connection: Connection) {
    if case .receiving = state {
      connection.state = .receiving
    } else {
      leaveReceiving(for: state, connection)
    }
  }

  private func leaveReceiving(for state: ConnectionState, _ connection: Connection) {
    guard state != connection.state else { return }
    connection.state = state
    switch state {
    case .receiving, .throttled, .lingering, .closed: break
    case .yielding: yielding.append(connection)
    case .parked(let cause): list(connection, for: cause)
    case .closing, .cutOff:
      if case .awaitingMemory = connection.intake { connection.intake = .open }
      wire.dropRequests(of: connection)
    }
  }

  // MARK: Output

  /// Sends what is ready, and runs further requests if they waited for that.
  public func send(_ connection: Connection) {
    guard connection.isServed else { return }
    guard flush(connection) else { return close(connection) }
    switch connection.state {
    case .throttled where !connection.isBacklogged:
      guard refill(connection) else { return close(connection) }
    default: break
    }
    // Also after more requests have run: nothing else would wake it.
    if case .parked(.emptyOutput) = connection.state, connection.output.bytes.isEmpty {
      enter(.yielding, connection)
    }
    settle(connection)
  }

  /// Sending has made room for the responses to more of the requests received. False if the connection is broken.
  private func refill(_ connection: Connection) -> Bool {
    var rounds = 0
    repeat {
      rounds += 1
      if rounds == Self.roundsPerTurn {
        enter(.yielding, connection)
        break
      }
      connection.state = .receiving
      advance(connection)
      guard flush(connection) else { return false }
    } while connection.state == .throttled && !connection.isBacklogged
    return true
  }

  /// Sends what is ready; false if the connection is broken.
  private func flush(_ connection: Connection) -> Bool {
    var ready = readyByteCount(of: connection)
    connection.isBlocked = false
    while ready > 0 {
      let outcome = connection.output.bytes.withBytes { bytes in
        connection.transport.send(bytes.extracting(first: ready))
      }
      switch outcome {
      case .moved(let byteCount):
        connection.output.didSend(byteCount)
        traffic.countSent(byteCount)
        ready -= byteCount
        if connection.deadline != nil { didRead(connection) }
      case .wouldBlock:
        connection.isBlocked = true
        if connection.deadline == nil { beginStall(connection) }
        return true
      case .ended, .failed: return false
      }
    }
    return true
  }

  @inline(__always)
  private func readyByteCount(of connection: Connection) -> Int {
    connection.output.waits.isEmpty
      ? connection.output.count
      : connection.output.readyByteCount(durable: wire.durablePosition)
  }

  // MARK: After serving

  /// Takes back lent buffers, checks limits, and registers with the poller what the connection waits for.
  private func settle(_ connection: Connection) {
    if connection.input.capacity > 0 { returnInputBuffer(of: connection) }
    reclaim(&connection.output.bytes, as: &spareOutput, upTo: Self.keptOutputByteCount)
    if connection.listedPosition == nil, let position = connection.output.waits.firstPosition {
      connection.listedPosition = position
      waitingForPosition.insert(connection, at: position)
    }
    account(connection)
    guard staysWithinLimits(connection) else { return }
    if connection.output.bytes.isEmpty, connection.isIdle {
      if case .closing = connection.state { return linger(connection) }
      if case .ended = connection.intake { return close(connection) }
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

  @inline(__always)
  private func reclaim(_ buffer: inout ByteBuffer, as spare: inout ByteBuffer, upTo limit: Int) {
    guard buffer.isEmpty, buffer.capacity > 0 else { return }
    if spare.capacity == 0, buffer.capacity <= limit {
      swap(&buffer, &spare)
    } else {
      buffer.release()
    }
  }

  /// Updates the memory accounted to the connection.
  func account(_ connection: Connection) {
    let record = connection.record
    record.inputByteCount.store(connection.input.count, ordering: .relaxed)
    record.outputByteCount.store(connection.output.count, ordering: .relaxed)
    let byteCount = memoryByteCount(of: connection)
    guard byteCount != connection.memoryByteCount else { return }
    memory.change(by: byteCount - connection.memoryByteCount)
    connection.memoryByteCount = byteCount
    record.memoryByteCount.store(byteCount, ordering: .relaxed)
  }

  private func memoryByteCount(of connection: Connection) -> Int {
    connection.input.capacity + connection.output.bytes.capacity
      + connection.output.waits.memoryByteCount + wire.memoryByteCount(of: connection)
  }

  func updateInterest(_ connection: Connection) {
    var interest: Poller.Interest = []
    if connection.wantsToRead { interest.insert(.read) }
    if connection.isBlocked { interest.insert(.write) }
    guard interest != connection.interest else { return }
    do throws(IOError) {
      try poller.change(connection.transport.number, token: connection.token, interest)
      connection.interest = interest
    } catch {
      close(connection)
    }
  }
}
