import KVStore

/// One I/O thread: waits for sockets, serves them, and lets replies go once they are durable.
///
/// A turn handles every socket that was ready. If something was written in it and no other socket is
/// ready, this thread has nothing better to do and writes and syncs the log itself; otherwise it asks
/// the log writer to, and goes on. Either way one sync covers all that the turn wrote.
final class EventLoop {
  static let wakeToken = UInt64.max
  static let listenerToken = UInt64.max - 1

  let server: ServerState
  let store: Store
  let handle: LoopHandle
  let counters: LoopCounters
  var poller: Poller
  var listener: Listener?
  var connections: [UInt64: Connection] = [:]
  /// Connections with replies that wait for the log.
  var held: [Connection] = []
  /// Connections whose next request waits for room in the store.
  var parked: [Connection] = []
  /// When to give up on a client that does not read, by token, in seconds of the monotonic clock.
  var deadlines: [UInt64: Int64] = [:]
  /// Buffers lent to whichever connection is being served.
  var spareInput = ByteBuffer()
  var spareReply = ByteBuffer()
  /// Something was evaluated and no sync asked for since.
  var hasUnsynced = false
  var drainDeadline: Int64?

  init(
    server: ServerState, handle: LoopHandle, counters: LoopCounters, listener: consuming Listener?
  ) throws(System.Failure) {
    self.server = server
    self.store = server.store
    self.handle = handle
    self.counters = counters
    poller = try Poller()
    try poller.add(handle.event.descriptor.number, token: Self.wakeToken, .read)
    if let number = listener?.number {
      try poller.add(number, token: Self.listenerToken, .read)
    }
    self.listener = consume listener
  }

  /// Runs until a stop has been asked for and the connections have drained.
  func run() {
    let nobody = ClientRecord(
      id: 0, address: "", localAddress: "", descriptor: -1, now: System.monotonicSeconds())
    var call = Call(
      server: server, counters: counters, handle: handle, session: Session(record: nobody))
    while !isDrained() {
      turn(&call)
    }
    for accepted in handle.takeInbox() { adopt(accepted) }
    for connection in Array(connections.values) { close(connection) }
    call.reader.end()
  }

  private func turn(_ call: inout Call) {
    var timeout: Int32 = 0
    // Under steady load no turn ever waits; the reader is ended all the same, because what it keeps
    // open makes LMDB's file grow.
    call.reader.end()
    if !hasUnsynced { timeout = handle.arm() ? waitMilliseconds() : 0 }
    let count = poller.wait(timeoutMilliseconds: timeout)
    handle.disarm()
    if hasUnsynced {
      hasUnsynced = false
      if count == 0 {
        syncHere(&call)
      } else {
        store.requestSync()
      }
    }
    for index in 0..<count {
      let event = poller[index]
      switch event.token {
      case Self.wakeToken: handle.event.clear()
      case Self.listenerToken: acceptConnections()
      default:
        if let connection = connections[event.token] { serve(connection, event.ready, &call) }
      }
    }
    if handle.takeSignal() {
      for accepted in handle.takeInbox() { adopt(accepted) }
      releaseHeld(&call)
      retryParked(&call)
      if handle.shouldStop { beginDrain(&call) }
    }
    if !deadlines.isEmpty || listener?.isPaused == true { checkDeadlines(&call) }
  }

  private func syncHere(_ call: inout Call) {
    do throws(StoreError) {
      // False means another thread is at it; it takes what is buffered and the observer is told.
      if try store.syncIfIdle() { releaseHeld(&call) }
    } catch {
      releaseHeld(&call)
    }
  }

  private func waitMilliseconds() -> Int32 {
    if drainDeadline != nil { return 50 }
    return deadlines.isEmpty && listener?.isPaused != true ? -1 : 1000
  }

  /// Sends what has become durable, or tells of the failure of the log.
  private func releaseHeld(_ call: inout Call) {
    guard !held.isEmpty else { return }
    let waiting = held
    held.removeAll(keepingCapacity: true)
    for connection in waiting {
      connection.isListedAsHeld = false
      resume(connection, &call)
    }
  }

  private func retryParked(_ call: inout Call) {
    guard !parked.isEmpty else { return }
    let waiting = parked
    parked.removeAll(keepingCapacity: true)
    for connection in waiting {
      connection.isListedAsParked = false
      resume(connection, &call)
    }
  }

  // MARK: The end

  private func beginDrain(_ call: inout Call) {
    guard drainDeadline == nil else { return }
    drainDeadline =
      System.monotonicMilliseconds() + Int64(server.options.drainTimeoutMilliseconds)
    if let number = listener?.number { try? poller.remove(number) }
    listener = nil
    for connection in Array(connections.values) {
      connection.isClosing = true
      connection.isThrottled = false
      connection.parkedByteCount = nil
      resume(connection, &call)
    }
  }

  /// A loop that drains is done once every connection has its replies, or when time is up.
  private func isDrained() -> Bool {
    guard let drainDeadline else { return false }
    if System.monotonicMilliseconds() >= drainDeadline { return true }
    return !hasUnsynced && connections.values.allSatisfy { $0.isLingering }
  }

  private func checkDeadlines(_ call: inout Call) {
    let now = System.monotonicSeconds()
    if let listener, listener.isPaused, listener.resumesAt <= now { resumeAccepting() }
    for (token, deadline) in deadlines where deadline <= now {
      deadlines.removeValue(forKey: token)
      if let connection = connections[token] { close(connection) }
    }
  }
}
