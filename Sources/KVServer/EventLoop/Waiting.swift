import Base
import KVStore

/// Connections in order of arrival. A connection may have closed meanwhile; the consumer skips it.
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

/// Connections that are blocked, and how they resume.
extension EventLoop {
  /// Sends the replies that have become durable, or an error if the log has failed.
  func releaseHeld(_ call: inout Call) {
    guard !held.isEmpty else { return }
    let released = held
    held.removeAll(keepingCapacity: true)
    for connection in released {
      connection.isListedAsHeld = false
      resume(connection, &call)
    }
  }

  /// Takes the connections that yielded in the turn before.
  func takeYielding() -> [Connection] {
    if yielding.isEmpty { return [] }
    defer { yielding.removeAll(keepingCapacity: true) }
    return yielding
  }

  /// Resumes these connections.
  func resume(yielded: [Connection], _ call: inout Call) {
    for connection in yielded {
      connection.isListedAsYielding = false
      connection.isYielding = false
      resume(connection, &call)
    }
  }

  /// Resumes the connections whose work on other threads is done.
  func resumeWaiting(_ call: inout Call) {
    guard !waiting.isEmpty else { return }
    let resumed = waiting
    waiting.removeAll(keepingCapacity: true)
    for connection in resumed {
      if isOpen(connection), isStillBlocked(connection, replyByteCount: connection.reply.count) {
        waiting.append(connection)
        continue
      }
      connection.isListedAsWaiting = false
      resume(connection, &call)
    }
  }

  /// Whether a waiting request must keep waiting, as far as that can be told without running it. Running it
  /// could cost many look-ups or much work before it finds that it must wait again.
  func mustWait(_ connection: Connection, forRoom: Bool, _ call: borrowing Call) -> Bool {
    if forRoom {
      return call.hasParkedConnections || !connection.session.shouldRetryParked(in: store)
    }
    return isStillBlocked(connection, replyByteCount: call.reply.count)
  }

  /// The same for a request that waits for another thread.
  func isStillBlocked(_ connection: Connection, replyByteCount: Int) -> Bool {
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

  /// Retries requests that wait for room in the store, in order, until one finds no room.
  func retryParked(_ call: inout Call) {
    call.hasParkedConnections = false
    while let connection = parked.first {
      if isOpen(connection) {
        resume(connection, &call)
        // A connection that does not read its replies is skipped; it is queued again once it can take
        // replies.
        if isOpen(connection), connection.isParkedForRoom, !connection.isThrottled { break }
      }
      connection.isListedAsParked = false
      parked.removeFirst()
    }
    call.hasParkedConnections = !parked.isEmpty
  }

  /// Receives on connections that wait for memory, in order, until there is none for the next one. If
  /// memory is lacking for that or for a reply, evicts clients that do not read.
  func retryAwaitingMemory(_ call: inout Call) {
    guard !awaitingMemory.isEmpty || server.memory.isRefusing else { return }
    let now = SystemClock.monotonicSeconds()
    let stallTimeout = Int64(options.stallTimeoutSeconds)
    if now > lastEvictionCheck {
      lastEvictionCheck = now
      evictStalledReceivers(idleBefore: now - stallTimeout)
      let lacksMemory = awaitingMemory.first.map { isOpen($0) && !hasMemoryToReceive($0) } ?? false
      let refusedRoom = server.memory.takeRefusal()
      if let room = lacksMemory ? 0 : refusedRoom { evictLargestBlocked(now: now, outOf: room) }
    }
    while let connection = awaitingMemory.first {
      if isOpen(connection), let since = connection.awaitingMemorySince {
        if now - since > stallTimeout, connection.isThrottled {
          logStalledCutOff(connection)
          awaitingMemory.removeFirst()
          close(connection)
          continue
        } else if now - since > stallTimeout {
          refuseForMemory(to: connection)
        } else if !hasMemoryToReceive(connection) {
          break
        }
        connection.awaitingMemorySince = nil
        awaitingMemory.removeFirst()
        resume(connection, &call)
      } else {
        awaitingMemory.removeFirst()
      }
    }
  }

  /// Closes connections that hold much memory for an incomplete request and have been inactive since before
  /// `time`.
  private func evictStalledReceivers(idleBefore time: Int64) {
    for connection in Array(connections.values)
    where connection.input.capacity > BufferMemory.ungatedByteCount && connection.isReceiving
      && connection.session.record.lastActiveAt.load(ordering: .relaxed) < time
    {
      note(
        .memory, connection,
        "it holds \(connection.byteCount) bytes for an incomplete request and has stopped sending, while others "
          + "wait for memory (maxmemory-clients)")
      close(connection)
    }
  }

  /// How long a client must have left its replies unread before it may be evicted, in seconds.
  private static let leastBlockedSeconds: Int64 = 2

  /// Of all clients, on any loop, that have not read their replies for a while, cuts off the one that uses
  /// the most memory. Each loop evicts at most one client a second, so that its memory is free before the
  /// next is chosen.
  ///
  /// Does nothing if all these clients together use less than `room`, the room there was for a refused
  /// reply. Evicting them could at most double it, which might have been enough; but a client that requests
  /// more than can ever fit must not cause the eviction of clients that use little.
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
      byteCount(largest) > BufferMemory.ungatedByteCount
    else { return }
    server.cutOffs.count(.memory)
    options.log(
      "client \(largest.id) at \(largest.address) disconnected: it does not read its replies and uses "
        + "\(byteCount(largest)) bytes, more than any other such client, while others wait for memory "
        + "(maxmemory-clients)")
    server.gate.kill([largest])
  }

  /// Call before cutting off a client that does not read its replies.
  func logStalledCutOff(_ connection: Connection) {
    note(
      .stalled, connection,
      "for \(options.stallTimeoutSeconds) s it has neither read any of its \(connection.reply.count) bytes of "
        + "pending replies nor sent anything that could be received (client-stall-timeout); "
        + "\(connection.input.count) bytes of its requests were not processed")
  }

  /// The request cannot be received, nor any that follows it: replies with an error and closes.
  func refuseForMemory(to connection: Connection) {
    connection.reply.error(BufferMemory.refusal)
    connection.beginClosing()
  }

  func isOpen(_ connection: Connection) -> Bool {
    connections[connection.token] === connection
  }
}
