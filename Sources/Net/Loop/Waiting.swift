import Base

/// Connections that wait, and what wakes them.
extension EventLoop {
  /// Puts a connection on the list of those that wait for the cause.
  func list(_ connection: Connection, for cause: WaitCause) {
    switch cause {
    case .room:
      // While the first is retried it keeps its place.
      if waitingForRoom.first !== connection { waitingForRoom.append(connection) }
      wire.othersWaitForRoom = true
    case .event(let number): waitingForEvent[number].append(connection)
    case .time: waitingForTime.append(connection)
    case .completion, .emptyOutput: break
    }
  }

  /// Runs the request that has waited, and sends.
  private func resume(_ connection: Connection) {
    connection.state = .receiving
    advance(connection)
    send(connection)
  }

  // MARK: Turns

  /// Takes the connections that yielded in the turn before.
  func takeYielding() -> [Connection] {
    if yielding.isEmpty { return [] }
    defer { yielding.removeAll(keepingCapacity: true) }
    return yielding
  }

  func resume(yielded: [Connection]) {
    for connection in yielded where connection.state == .yielding { resume(connection) }
  }

  // MARK: Positions

  /// Sends the responses that have become durable. If the log has failed, the others are replaced by an error, because
  /// what they confirm may not be durable.
  func sendDurable() {
    if waitingForPosition.isEmpty { return }
    let durable = wire.durablePosition
    while let connection = waitingForPosition.takeFirst(upTo: durable) {
      connection.listedPosition = nil
      send(connection)
    }
    if !waitingForPosition.isEmpty, wire.hasLogFailed { failWaiting() }
  }

  private func failWaiting() {
    // Read after the failure was seen, so it no longer advances.
    let durable = wire.durablePosition
    while let connection = waitingForPosition.takeFirst(upTo: .max) {
      connection.listedPosition = nil
      if connection.isServed, connection.output.dropWaiting(durable: durable) {
        wire.writeOutcomeUnknown(to: connection)
        enter(.closing, connection)
      }
      send(connection)
    }
  }

  // MARK: Events, work on other threads, times

  /// Whether a connection waits for event `number`.
  public func hasWaiting(for number: Int) -> Bool { !waitingForEvent[number].isEmpty }

  /// Resumes all connections that wait for event `number`.
  public func resumeWaiting(for number: Int) {
    let waiting = waitingForEvent[number]
    guard !waiting.isEmpty else { return }
    waitingForEvent[number] = []
    for connection in waiting where connection.state == .parked(.event(number)) {
      resume(connection)
    }
  }

  /// Its work on another thread is done.
  func didComplete(_ connection: Connection) {
    if connection.state == .parked(.completion) { resume(connection) }
  }

  /// Resumes the connections whose time has come.
  func resumeDue() {
    guard !waitingForTime.isEmpty else { return }
    let now = SystemClock.monotonicMilliseconds()
    let waiting = waitingForTime
    waitingForTime.removeAll(keepingCapacity: true)
    for connection in waiting {
      guard case .parked(.time(let time)) = connection.state else { continue }
      if time <= now { resume(connection) } else { waitingForTime.append(connection) }
    }
  }

  /// How long the loop may wait for its sockets, in milliseconds; -1 for any time.
  func waitMilliseconds() -> Int32 {
    // Room is signalled, but may be found earlier; memory that other loops free is not. Hence the short wait.
    if !awaitingMemory.isEmpty || !waitingForRoom.isEmpty || drainDeadline != nil { return 20 }
    var wait: Int64 = hasTimedWork ? 1000 : -1
    func wake(in milliseconds: Int64) {
      let milliseconds = min(max(0, milliseconds), 1000)
      wait = wait < 0 ? milliseconds : min(wait, milliseconds)
    }
    if !waitingForTime.isEmpty {
      let now = SystemClock.monotonicMilliseconds()
      for case .parked(.time(let time)) in waitingForTime.lazy.map(\.state) { wake(in: time - now) }
    }
    if let milliseconds = wire.millisecondsUntilDue(on: self) { wake(in: milliseconds) }
    return Int32(wait)
  }

  // MARK: Room

  /// Retries requests that wait for room, in order, until one finds none.
  func retryRoom() {
    guard !waitingForRoom.isEmpty else { return }
    wire.othersWaitForRoom = false
    while let connection = waitingForRoom.first {
      if connection.state == .parked(.room) {
        guard wire.mayHaveRoom(for: connection) else { break }
        advance(connection)
        send(connection)
        if connection.state == .parked(.room) { break }
      }
      // It has run. Or it does not read its output, and is passed over; it comes again once it can take responses.
      waitingForRoom.removeFirst()
    }
    wire.othersWaitForRoom = !waitingForRoom.isEmpty
  }

  // MARK: Memory

  /// Receives on connections that wait for memory, in order, until there is none for the next one. If
  /// memory is lacking for that or for a response, evicts peers that do not read.
  func retryAwaitingMemory() {
    guard !awaitingMemory.isEmpty || memory.isRefusing else { return }
    let now = SystemClock.monotonicSeconds()
    if now > evictionCheckedAt {
      evictionCheckedAt = now
      evictForMemory(now: now)
    }
    while let connection = awaitingMemory.first {
      guard case .awaitingMemory(let since) = connection.intake, connection.isServed else {
        awaitingMemory.removeFirst()
        continue
      }
      let isOverdue = now - since > Int64(limits.stallSeconds)
      guard isOverdue || hasMemoryToReceive(connection) else { break }
      awaitingMemory.removeFirst()
      connection.intake = .open
      if isOverdue {
        guard connection.state != .throttled else {
          cutOff(connection, because: .stalled)
          continue
        }
        refuseForMemory(connection)
      }
      send(connection)
    }
  }
}
