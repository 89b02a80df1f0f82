import Base

/// How connections and the loop end without losing output.
extension EventLoop {
  private static var lingerMilliseconds: Int64 { 200 }
  private static var lingerSeconds: Int64 { 2 }

  /// Closes the sending side and waits up to two seconds for the peer to close its own. Closing both at
  /// once with unread input would reset the connection, and the peer might never see the last response.
  func linger(_ connection: Connection) {
    connection.transport.endSending()
    guard connection.intake != .ended else { return close(connection) }
    connection.state = .lingering
    connection.isBlocked = false
    releaseBuffers(of: connection)
    setTime(&connection.receivingSince, nil)
    setTime(&connection.softLimitExceededSince, nil)
    setTime(&connection.deadline, SystemClock.monotonicSeconds() + Self.lingerSeconds)
    connection.record.blockedSince.store(.max, ordering: .relaxed)
    updateInterest(connection)
  }

  func discardInput(_ connection: Connection) {
    let outcome = connection.transport.receive(
      into: &spareInput, atLeast: Self.receiveByteCount, atMost: Self.receiveByteCount)
    spareInput.consume(spareInput.count)
    switch outcome {
    case .moved, .wouldBlock: break
    case .ended, .failed: close(connection)
    }
  }

  /// Stops accepting and running requests; what is pending is still sent, once it is ready.
  func beginDrain() {
    guard drainDeadline == nil else { return }
    drainDeadline = SystemClock.monotonicMilliseconds() + Int64(limits.drainMilliseconds)
    for socket in listener?.sockets ?? [] {
      try? poller.remove(socket.number)
      socket.close()
    }
    listener = nil
    for connection in connections.all where connection.isServed {
      enter(.closing, connection)
      send(connection)
    }
  }

  /// A drain is complete when every peer has received its responses, or when its time is up.
  func isDrained() -> Bool {
    guard let drainDeadline else { return false }
    let now = SystemClock.monotonicMilliseconds()
    if now >= drainDeadline || connections.isEmpty {
      return !syncTiming.hasUnsynced || now >= drainDeadline
    }
    guard !syncTiming.hasUnsynced, connections.all.allSatisfy({ $0.state == .lingering }) else {
      return false
    }
    // Closing while a peer still sends would reset the connection and lose the last responses.
    let since = lingeringSince ?? now
    lingeringSince = since
    return now >= since + Self.lingerMilliseconds
  }
}
