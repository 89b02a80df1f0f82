import Base

/// Receiving from a socket, as far as the memory for clients allows.
extension EventLoop {
  /// How much is received at once.
  static let receiveByteCount = 64 << 10
  /// A large value is received with few calls.
  static let largestReceiveByteCount = 4 << 20
  /// Less room than this is not worth a call.
  static let leastReceiveByteCount = 16 << 10

  /// How many bytes the connection's buffer has to hold to receive more, those that are there among them.
  private func wantedByteCount(of connection: Connection) -> Int {
    let needed = max(
      connection.decoder.wantedByteCount, connection.input.count + Self.leastReceiveByteCount)
    let room = connection.input.totalRoom
    guard needed > room else { return room }
    let ahead = min(room + room / 2, needed + Self.largestReceiveByteCount)
    return max(needed, ahead, Self.receiveByteCount)
  }

  /// Whether the memory for clients allows to receive more on this connection.
  ///
  /// The length of a large value is known in advance and asked for as a whole, so that whoever has
  /// begun to receive one need not ask again.
  func hasMemoryToReceive(_ connection: Connection) -> Bool {
    let wanted = wantedByteCount(of: connection)
    let room = connection.input.totalRoom
    return wanted <= ClientMemory.ungatedByteCount || wanted <= room
      || server.memory.hasRoom(for: wanted - room)
  }

  /// There is no memory to receive more: whoever holds nothing waits, whoever holds something must give
  /// it up, or those might wait for each other indefinitely. But whoever does not read its replies waits in any case:
  /// it needs no memory to go on, and is evicted where it does not (see `evictLargestBlocked`).
  func starve(_ connection: Connection) {
    if connection.input.capacity > ClientMemory.ungatedByteCount, !connection.isThrottled {
      refuseMemory(to: connection)
    } else {
      connection.starvedAt = SystemClock.monotonicSeconds()
      starved.append(connection)
    }
  }

  /// False if the connection is broken.
  func receive(_ connection: Connection) -> Bool {
    lendInput(to: connection)
    connection.input.reserveTotal(wantedByteCount(of: connection))
    let wanted = connection.decoder.wantedByteCount - connection.input.count
    var most = min(max(wanted, Self.receiveByteCount), Self.largestReceiveByteCount)
    if connection.isThrottled {
      most = min(most, connection.inputByteLimit - connection.input.count)
    }
    let outcome = System.receive(
      connection.descriptor.number, into: &connection.input,
      atLeast: min(most, Self.leastReceiveByteCount), atMost: most)
    switch outcome {
    case .moved(let byteCount):
      counters.countReceived(byteCount)
      if connection.isThrottled {
        didProgress(connection)
      } else if connection.input.count > options.queryBufferByteLimit {
        note(.queryBuffer, connection, "it has sent more than client-query-buffer-limit")
        return false
      }
      connection.session.record.lastActiveAt.store(
        SystemClock.monotonicSeconds(), ordering: .relaxed)
    case .wouldBlock: break
    case .ended: connection.peerClosed = true
    case .failed: return false
    }
    return true
  }

  /// A client that does not read still sends: it is given as much time again.
  private func didProgress(_ connection: Connection) {
    guard deadlines[connection.token] != nil else { return }
    deadlines[connection.token] =
      SystemClock.monotonicSeconds() + Int64(options.stallTimeoutSeconds)
  }

  /// Lends the spare buffer to a connection that has none, or a small one with part of a request.
  private func lendInput(to connection: Connection) {
    guard connection.input.capacity < spareInput.capacity else { return }
    connection.input.withBytes { spareInput.append($0) }
    swap(&connection.input, &spareInput)
    spareInput = ByteBuffer()
  }

  /// A little of a small request lies in a large buffer: many connections may be like that for long.
  func isHalfSent(_ connection: Connection) -> Bool {
    connection.input.count <= Self.leastReceiveByteCount && connection.parkedByteCount == nil
      && connection.decoder.wantedByteCount <= Self.leastReceiveByteCount
      && connection.input.capacity >= Self.receiveByteCount && spareInput.capacity == 0
  }
}
