import Base
import KVStore

/// Connections in the order in which they came. One that has closed meanwhile is passed over by
/// whoever takes it out.
struct ConnectionQueue {
  private var connections: [Connection] = []
  private var head = 0

  var isEmpty: Bool { head == connections.count }
  var first: Connection? { isEmpty ? nil : connections[head] }

  mutating func append(_ connection: Connection) { connections.append(connection) }

  mutating func removeFirst() {
    head += 1
    guard head == connections.count || head >= 1024 else { return }
    connections.removeFirst(head)
    head = 0
  }
}

/// Connections that cannot go on for the moment, and what makes them go on.
extension EventLoop {
  /// Sends what has become durable, or tells of the failure of the log.
  func releaseHeld(_ call: inout Call) {
    guard !held.isEmpty else { return }
    let released = held
    held.removeAll(keepingCapacity: true)
    for connection in released {
      connection.isListedAsHeld = false
      resume(connection, &call)
    }
  }

  /// Those that had had their share of the turn before.
  func takeYielding() -> [Connection] {
    if yielding.isEmpty { return [] }
    defer { yielding.removeAll(keepingCapacity: true) }
    return yielding
  }

  /// Goes on with them.
  func resume(yielded: [Connection], _ call: inout Call) {
    for connection in yielded {
      connection.isListedAsYielding = false
      connection.isYielding = false
      resume(connection, &call)
    }
  }

  /// Goes on with what has waited for other threads, where that is done.
  func resumeWaiting(_ call: inout Call) {
    guard !waiting.isEmpty else { return }
    let resumed = waiting
    waiting.removeAll(keepingCapacity: true)
    for connection in resumed {
      if isOpen(connection), stillWaits(connection, replyByteCount: connection.reply.count) {
        waiting.append(connection)
        continue
      }
      connection.isListedAsWaiting = false
      resume(connection, &call)
    }
  }

  /// Whether the request that was kept back cannot go on yet, as far as that is to be told without carrying it out: it
  /// may have to look much up, or to do much, before it finds that it must wait again.
  func mustWait(_ connection: Connection, forRoom: Bool, _ call: borrowing Call) -> Bool {
    if forRoom { return call.isRoomAwaited || !connection.session.mayHaveRoom(in: store) }
    return stillWaits(connection, replyByteCount: call.reply.count)
  }

  /// The same for one that waits for another thread.
  func stillWaits(_ connection: Connection, replyByteCount: Int) -> Bool {
    let session = connection.session
    if session.isPaused, session.pausedRevision == server.gate.revision { return true }
    if session.awaitsRangeDeletes {
      if store.hasRangeDeleteBacklog { return true }
      session.awaitsRangeDeletes = false
    }
    if let read = session.longRead { return !read.isDone || (read.isLarge && replyByteCount > 0) }
    if let ticket = session.sideTicket { return !ticket.isDone }
    if let ticket = session.checkpoint { return ticket.outcome == nil }
    if let before = session.reloadsBefore { return server.reload.outcome.count <= before }
    if let time = session.waitsUntil { return SystemClock.monotonicMilliseconds() < time }
    return false
  }

  /// Tries again what waits for room in the store, until there is none for the next in the queue.
  func retryParked(_ call: inout Call) {
    call.isRoomAwaited = false
    while let connection = parked.first {
      if isOpen(connection) {
        resume(connection, &call)
        // One that does not read its replies is passed over: it comes again when there is room for more of them.
        if isOpen(connection), connection.isParkedForRoom, !connection.isThrottled { break }
      }
      connection.isListedAsParked = false
      parked.removeFirst()
    }
    call.isRoomAwaited = !parked.isEmpty
  }

  /// Receives from those that wait for memory, until there is none for the next in the queue. Where there is none for
  /// that, or for a reply, who does not read gives way.
  func retryStarved(_ call: inout Call) {
    guard !starved.isEmpty || server.memory.isRefusing else { return }
    let now = SystemClock.monotonicSeconds()
    let stallTimeout = Int64(options.stallTimeoutSeconds)
    if now > lookedForIdleAt {
      lookedForIdleAt = now
      evictStalledReceivers(idleBefore: now - stallTimeout)
      let isStarved = starved.first.map { isOpen($0) && !hasMemoryToReceive($0) } ?? false
      let refusedRoom = server.memory.takeRefusal()
      if let room = isStarved ? 0 : refusedRoom { evictLargestBlocked(now: now, outOf: room) }
    }
    while let connection = starved.first {
      if isOpen(connection), let since = connection.starvedAt {
        if now - since > stallTimeout, connection.isThrottled {
          noteStalled(connection)
          starved.removeFirst()
          close(connection)
          continue
        } else if now - since > stallTimeout {
          refuseMemory(to: connection)
        } else if !hasMemoryToReceive(connection) {
          break
        }
        connection.starvedAt = nil
        starved.removeFirst()
        resume(connection, &call)
      } else {
        starved.removeFirst()
      }
    }
  }

  /// Closes connections that hold much memory for a request whose rest does not come, while others
  /// wait for memory.
  private func evictStalledReceivers(idleBefore time: Int64) {
    for connection in Array(connections.values)
    where connection.input.capacity > ClientMemory.ungatedByteCount && connection.isReceiving
      && connection.session.record.lastActiveAt.load(ordering: .relaxed) < time
    {
      note(
        .memory, connection,
        "it holds \(connection.byteCount) bytes for a request whose rest does not come, and others wait for "
          + "memory (maxmemory-clients)")
      close(connection)
    }
  }

  /// For how long a client must not have read before it may be evicted, in seconds.
  private static let leastBlockedSeconds: Int64 = 2

  /// Cuts off the client, of all event loops, that takes the most memory of those that have not read what they are
  /// sent for a while. One goes in a second, so that the memory of one is free before another has to go.
  ///
  /// None goes where all of them together take less than `room`, what there was for a reply that was refused. It might
  /// have fitted into twice as much; but a client that asks for more than there can ever be must not have others cut off
  /// that take little.
  private func evictLargestBlocked(now: Int64, outOf room: Int) {
    let blocked = server.clients.all.filter { record in
      record.blockedSince.load(ordering: .relaxed) <= now - Self.leastBlockedSeconds
        && !record.isNeverEvicted.load(ordering: .relaxed)
    }
    func byteCount(_ record: ClientRecord) -> Int {
      record.memoryByteCount.load(ordering: .relaxed)
    }
    guard blocked.reduce(0, { $0 + byteCount($1) }) >= room,
      let largest = blocked.max(by: { byteCount($0) < byteCount($1) }),
      byteCount(largest) > ClientMemory.ungatedByteCount
    else { return }
    server.cutOffs.count(.memory)
    options.log(
      "client \(largest.id) at \(largest.address) is cut off: it does not read its replies and takes "
        + "\(byteCount(largest)) bytes, the most of all such clients, while others wait for memory "
        + "(maxmemory-clients)")
    server.gate.kill([largest])
  }

  /// To be called before a client is cut off that does not read what it is sent.
  func noteStalled(_ connection: Connection) {
    note(
      .stalled, connection,
      "it has read none of the \(connection.reply.count) bytes of replies that wait for it, and sent nothing that "
        + "there is room for, in \(options.stallTimeoutSeconds) s (client-stall-timeout); "
        + "\(connection.input.count) bytes of requests are not carried out")
  }

  /// The request cannot be received, and so no other behind it.
  func refuseMemory(to connection: Connection) {
    connection.reply.error(ClientMemory.refusal)
    connection.beginClosing()
  }

  func isOpen(_ connection: Connection) -> Bool {
    connections[connection.token] === connection
  }
}
