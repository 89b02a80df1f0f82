import Base

/// Receiving from sockets, within the limit on memory.
extension EventLoop {
  /// Bytes received per call.
  static var receiveByteCount: Int { 64 << 10 }
  /// The most bytes received per call for a large request, so that it takes few calls.
  private static var largestReceiveByteCount: Int { 4 << 20 }
  /// A call with less room than this is not worth its cost.
  private static var leastReceiveByteCount: Int { 16 << 10 }

  /// The capacity that the connection's input buffer needs to receive more, including the bytes already in
  /// it.
  private func wantedByteCount(of connection: Connection) -> Int {
    let needed = max(
      wire.wantedInputByteCount(of: connection),
      connection.input.count + Self.leastReceiveByteCount)
    let room = connection.input.totalRoom
    guard needed > room else { return room }
    let ahead = min(room + room / 2, needed + Self.largestReceiveByteCount)
    return max(needed, ahead, Self.receiveByteCount)
  }

  /// Whether the limit on memory allows receiving more on this connection.
  ///
  /// Room for a large request, whose length is known in advance, is requested as a whole: once its receipt
  /// has begun it needs no further room.
  func hasMemoryToReceive(_ connection: Connection) -> Bool {
    let wanted = wantedByteCount(of: connection)
    let room = connection.input.totalRoom
    return wanted <= BufferMemory.ungatedByteCount || wanted <= room
      || memory.hasRoom(for: wanted - room)
  }

  /// Handles a lack of memory to receive more. A connection that holds no memory waits. One that holds part
  /// of a request is refused, because two such connections could wait for each other indefinitely. One that
  /// does not read its output waits in any case: it needs no memory to make progress, and is evicted if it
  /// still does not read (see `evictLargestBlocked`).
  func waitForMemory(_ connection: Connection) {
    if connection.input.capacity > BufferMemory.ungatedByteCount, connection.state != .throttled {
      refuseForMemory(connection)
    } else {
      connection.intake = .awaitingMemory(since: SystemClock.monotonicSeconds())
      awaitingMemory.append(connection)
    }
  }

  /// The request cannot be received, nor any that follows it.
  func refuseForMemory(_ connection: Connection) {
    wire.refuseForMemory(connection)
    enter(.closing, connection)
  }

  /// False if the connection is closed.
  func receive(_ connection: Connection) -> Bool {
    lendInput(to: connection)
    connection.input.reserveTotal(wantedByteCount(of: connection))
    let wanted = wire.wantedInputByteCount(of: connection) - connection.input.count
    var most = min(max(wanted, Self.receiveByteCount), Self.largestReceiveByteCount)
    let isThrottled = connection.state == .throttled
    if isThrottled { most = min(most, connection.limits.inputByteCount - connection.input.count) }
    let outcome = connection.transport.receive(
      into: &connection.input, atLeast: min(most, Self.leastReceiveByteCount), atMost: most)
    switch outcome {
    case .moved(let byteCount):
      traffic.countReceived(byteCount)
      if isThrottled {
        if connection.deadline != nil { extendStall(connection) }
      } else if connection.input.count > connection.limits.inputByteCount {
        cutOff(connection, because: .inputLimit)
        return false
      }
      connection.record.lastActiveAt.store(SystemClock.monotonicSeconds(), ordering: .relaxed)
    case .wouldBlock: break
    case .ended: connection.intake = .ended
    case .failed:
      close(connection)
      return false
    }
    return true
  }

  /// Lends the spare buffer to a connection whose own buffer is smaller, and moves its input there.
  private func lendInput(to connection: Connection) {
    guard connection.input.capacity < spareInput.capacity else { return }
    connection.input.withBytes { spareInput.append($0) }
    swap(&connection.input, &spareInput)
    spareInput = ByteBuffer()
  }

  /// Whether a large buffer holds only a small part of a small request. Many connections may stay in that
  /// state for long.
  func wastesInputBuffer(_ connection: Connection) -> Bool {
    guard connection.input.count <= Self.leastReceiveByteCount,
      connection.input.capacity >= Self.receiveByteCount, spareInput.capacity == 0
    else { return false }
    if case .parked = connection.state { return false }
    return wire.wantedInputByteCount(of: connection) <= Self.leastReceiveByteCount
  }
}
