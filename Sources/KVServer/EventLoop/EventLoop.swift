import Base
import KVStore
import Net

/// One I/O thread: polls sockets, serves the ready ones, and sends replies once they are durable.
///
/// A turn of the loop handles every socket that was ready. Writes of several turns share one sync, which
/// runs when no socket is ready; see `SyncTiming`.
final class EventLoop {
  static let wakeToken = UInt64.max
  static let listenerToken = UInt64.max - 1

  let server: ServerState
  var store: Store
  let handle: LoopHandle
  let counters: LoopCounters
  let statistics: LoopStatistics
  /// A copy of the options in force; see `refreshOptions`.
  var options: ServerOptions
  var optionsRevision = -1
  var poller: Poller
  var listener: Listener?
  var connections: [UInt64: Connection] = [:]
  /// Connections whose requests have run and whose replies are still to be sent.
  var pendingSends: [Connection] = []
  /// Connections with replies that are held until the log is durable.
  var held: [Connection] = []
  /// Connections whose next request waits for room in the store, in order of arrival.
  var parked = ConnectionQueue()
  /// Connections that wait for memory to receive more.
  var awaitingMemory = ConnectionQueue()
  /// Connections whose next request waits for another thread.
  var waiting: [Connection] = []
  /// Connections that have used up their share of this turn.
  var yielding: [Connection] = []
  /// When to close a client that does not read, by token, in seconds of the monotonic clock.
  var deadlines: [UInt64: Int64] = [:]
  /// The tokens of connections that have sent part of a request.
  var incomplete: Set<UInt64> = []
  /// Since when a connection's pending output exceeds the soft limit, by token, in seconds of the monotonic
  /// clock.
  var softLimitExceededSince: [UInt64: Int64] = [:]
  /// When to retry a request that waits for a point in time, by token, in milliseconds of the monotonic
  /// clock.
  var timers: [UInt64: Int64] = [:]
  /// The connections in MONITOR mode.
  var monitors: [Connection] = []
  /// When time limits were last checked, in seconds of the monotonic clock.
  var lookedAt: Int64 = 0
  /// Buffers lent to the connection being served.
  var spareInput = ByteBuffer()
  var spareReply = ByteBuffer()
  var syncTiming = SyncTiming()
  let prefetcher = PipelinePrefetcher()
  /// How long one connection's requests may run before other connections are served, in ticks.
  let sliceTicks = TickClock.standard.ticks(microseconds: 1000)
  var drainDeadline: Int64?
  /// Since when a drain has only lingering connections left, in milliseconds of the monotonic clock.
  var lingeringSince: Int64?
  /// When connections were last checked for eviction to free memory, in seconds of the monotonic clock.
  var lastEvictionCheck: Int64 = 0

  init(
    server: ServerState, handle: LoopHandle, poller descriptor: consuming Descriptor,
    counters: LoopCounters, statistics: LoopStatistics, listener: consuming Listener?
  ) throws(IOError) {
    self.server = server
    self.store = server.store
    self.handle = handle
    self.counters = counters
    self.statistics = statistics
    options = server.live.current
    poller = Poller(descriptor)
    try poller.add(handle.event.number, token: Self.wakeToken, .read)
    for socket in listener?.sockets ?? [] {
      try poller.add(socket.number, token: Self.listenerToken, .read)
    }
    self.listener = consume listener
  }

  /// Runs until a stop was requested and the connections have drained.
  func run() {
    let nobody = ClientRecord(
      id: 0, address: "", localAddress: "", descriptor: -1, now: SystemClock.monotonicSeconds())
    func begin() -> Call {
      Call(
        server: server, counters: counters, statistics: statistics, handle: handle,
        session: Session(record: nobody))
    }
    var call = begin()
    while !isDrained() {
      turn(&call)
      if server.reload.isAsked, held.isEmpty, !syncTiming.hasUnsynced {
        call.reader.close()
        server.reload.join { () throws(StoreError) in try server.reopen() }
        store = server.store
        optionsRevision = -1
        call = begin()
      }
    }
    server.reload.leave()
    for accepted in handle.closeInbox() { adopt(accepted) }
    for connection in Array(connections.values) { close(connection) }
    call.reader.end()
  }

  private func turn(_ call: inout Call) {
    var timeout: Int32 = 0
    // Under steady load no turn waits. The reader ends its snapshot in each turn all the same: an open read
    // transaction makes LMDB's file grow.
    call.reader.end()
    sampleRate()
    if !syncTiming.hasUnsynced && yielding.isEmpty {
      timeout = handle.arm() ? waitMilliseconds() : 0
    }
    let count = poller.wait(timeoutMilliseconds: timeout)
    handle.disarm()
    refreshOptions(&call)
    syncWritten(isBusy: count > 0 || !yielding.isEmpty, &call)
    let yielded = takeYielding()
    for index in 0..<count {
      let event = poller[index]
      switch event.token {
      case Self.wakeToken: handle.event.clear()
      case Self.listenerToken: acceptConnections()
      default:
        if let connection = connections[event.token] { serve(connection, event.ready, &call) }
        if pendingSends.count >= Self.sendBatchSize { sendPending(&call) }
      }
    }
    sendPending(&call)
    // After all other ready connections.
    resume(yielded: yielded, &call)
    if handle.takeSignal() {
      for accepted in handle.takeInbox() { adopt(accepted) }
      for id in handle.takePendingKills() {
        if let connection = connections[id] { close(connection) }
      }
      releaseHeld(&call)
      resumeWaiting(&call)
      deliverFeeds(&call)
      refreshOptions(&call)
      if handle.shouldStop { beginDrain(&call) }
    }
    if !waiting.isEmpty, server.gate.endPauseIfDue() { resumeWaiting(&call) }
    retryParked(&call)
    retryAwaitingMemory(&call)
    runTimers(&call)
    if hasTimedWork { enforceTimeLimits() }
    if !deadlines.isEmpty || listener?.isPaused == true { checkDeadlines(&call) }
  }

  /// Syncs what was written, when it is time.
  private func syncWritten(isBusy: Bool, _ call: inout Call) {
    guard syncTiming.hasUnsynced else { return }
    let now = SystemClock.monotonicNanoseconds()
    switch syncTiming.nextStep(isBusy: isBusy, now: now) {
    case .gather: break
    case .delegate: store.requestSync()
    case .syncInline:
      do throws(StoreError) {
        // False: another thread is syncing, includes what is buffered, and notifies the observer.
        if try store.syncIfIdle() { releaseHeld(&call) }
      } catch {
        releaseHeld(&call)
      }
      syncTiming.didSync(from: now, to: SystemClock.monotonicNanoseconds())
    }
  }

  private func waitMilliseconds() -> Int32 {
    // Room in the store is signalled; memory that other loops free is not, hence the short wait.
    if !awaitingMemory.isEmpty || !parked.isEmpty || drainDeadline != nil { return 20 }
    var wait: Int64 = deadlines.isEmpty && listener?.isPaused != true && !hasTimedWork ? -1 : 1000
    func wake(in milliseconds: Int64) { wait = wait < 0 ? milliseconds : min(wait, milliseconds) }
    if !timers.isEmpty { wake(in: timerMilliseconds()) }
    if !waiting.isEmpty, let left = server.gate.pauseMillisecondsLeft {
      wake(in: min(max(left, 1), 1000))
    }
    return Int32(wait)
  }

  // MARK: Draining

  private func beginDrain(_ call: inout Call) {
    guard drainDeadline == nil else { return }
    drainDeadline =
      SystemClock.monotonicMilliseconds() + Int64(server.options.drainTimeoutMilliseconds)
    for socket in listener?.sockets ?? [] {
      try? poller.remove(socket.number)
      socket.close()
    }
    listener = nil
    for connection in Array(connections.values) {
      connection.beginClosing()
      resume(connection, &call)
    }
  }

  /// A drain is complete when every connection has received its replies, or when its time is up.
  private func isDrained() -> Bool {
    guard let drainDeadline else { return false }
    let now = SystemClock.monotonicMilliseconds()
    if now >= drainDeadline || connections.isEmpty {
      return !syncTiming.hasUnsynced || now >= drainDeadline
    }
    guard !syncTiming.hasUnsynced, connections.values.allSatisfy({ $0.isLingering }) else {
      return false
    }
    // Closing while a client still sends would reset the connection and lose the last replies.
    let since = lingeringSince ?? now
    lingeringSince = since
    return now >= since + Self.lingerMilliseconds
  }

  private static let lingerMilliseconds: Int64 = 200

  private func checkDeadlines(_ call: inout Call) {
    let now = SystemClock.monotonicSeconds()
    if let listener, listener.isPaused, listener.resumesAt <= now { resumeAccepting() }
    for (token, deadline) in deadlines where deadline <= now {
      deadlines.removeValue(forKey: token)
      guard let connection = connections[token] else { continue }
      if !connection.isLingering { logStalledCutOff(connection) }
      close(connection)
    }
  }
}
