import Base
import Net

/// Receiving from sockets, within the memory limit for clients.
extension EventLoop {
  /// Bytes received per call.
  static let receiveByteCount = 64 << 10
  /// The most bytes received per call for a large value, so that it takes few calls.
  static let largestReceiveByteCount = 4 << 20
  /// A call with less room than this is not worth its cost.
  static let leastReceiveByteCount = 16 << 10

  /// The capacity that the connection's input buffer needs to receive more, including the bytes already in
  /// it.
  private func wantedByteCount(of connection: Connection) -> Int {
    let needed = max(
      connection.decoder.wantedByteCount, connection.input.count + Self.leastReceiveByteCount)
    let room = connection.input.totalRoom
    guard needed > room else { return room }
    let prefetcher = min(room + room / 2, needed + Self.largestReceiveByteCount)
    return max(needed, prefetcher, Self.receiveByteCount)
  }

  /// Whether the memory limit for clients allows receiving more on this connection.
  ///
  /// Room for a large value, whose length is known in advance, is requested as a whole: once its receipt
  /// has begun it needs no further room.
  func hasMemoryToReceive(_ connection: Connection) -> Bool {
    let wanted = wantedByteCount(of: connection)
    let room = connection.input.totalRoom
    return wanted <= BufferMemory.ungatedByteCount || wanted <= room
      || server.memory.hasRoom(for: wanted - room)
  }

  /// Handles a lack of memory to receive more. A connection that holds no memory waits. One that holds part
  /// of a request is refused, because two such connections could wait for each other indefinitely. One that
  /// does not read its replies waits in any case: it needs no memory to make progress, and is evicted if it
  /// still does not read (see `evictLargestBlocked`).
  func waitForMemory(_ connection: Connection) {
    if connection.input.capacity > BufferMemory.ungatedByteCount, !connection.isThrottled {
      refuseForMemory(to: connection)
    } else {
      connection.awaitingMemorySince = SystemClock.monotonicSeconds()
      awaitingMemory.append(connection)
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
    let outcome = Socket.receive(
      connection.descriptor.number, into: &connection.input,
      atLeast: min(most, Self.leastReceiveByteCount), atMost: most)
    switch outcome {
    case .moved(let byteCount):
      counters.countReceived(byteCount)
      if connection.isThrottled {
        didProgress(connection)
      } else if connection.input.count > options.queryBufferByteLimit {
        note(.queryBuffer, connection, "its unprocessed requests exceed client-query-buffer-limit")
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

  /// A client that does not read but still sends gets the full stall timeout again.
  private func didProgress(_ connection: Connection) {
    guard deadlines[connection.token] != nil else { return }
    deadlines[connection.token] =
      SystemClock.monotonicSeconds() + Int64(options.stallTimeoutSeconds)
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
    connection.input.count <= Self.leastReceiveByteCount && connection.parkedByteCount == nil
      && connection.decoder.wantedByteCount <= Self.leastReceiveByteCount
      && connection.input.capacity >= Self.receiveByteCount && spareInput.capacity == 0
  }
}
