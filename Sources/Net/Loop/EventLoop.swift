import Base

/// One I/O thread: polls sockets, has the protocol run what arrives, and sends responses once they are ready.
///
/// A turn of the loop handles every socket that was ready. What several turns write shares one sync, which runs when no
/// socket is ready; see `SyncTiming`.
public final class EventLoop<Wire: WireProtocol> {
  public typealias Connection = Net.Connection<Wire.Context>

  let wire: Wire
  public let handle: LoopHandle
  let mailbox: Mailbox<Wire.Peer>
  let registry: ConnectionRegistry<Wire.Peer>
  public let memory: BufferMemory
  let traffic: Traffic
  var poller: Poller
  var listener: Listener<Wire.Peer>?
  public var limits = LoopLimits()
  var connections = ConnectionTable<Wire.Context>()

  /// Connections whose requests have run and whose output is still to be sent.
  var served: [Connection] = []
  /// Those of them whose output is being sent; kept for its capacity.
  var sending: [Connection] = []
  /// Connections with responses that wait for a position, by the first of these positions.
  var waitingForPosition = PositionQueue<Connection>()
  /// Connections in the state `.parked(.room)`, in order of arrival. Those that have left it are skipped; the same goes
  /// for the other lists.
  var waitingForRoom = Queue<Connection>()
  /// Connections in the state `.parked(.event(n))`, by n.
  var waitingForEvent = [[Connection]](repeating: [], count: WaitCause.eventCount)
  /// Connections in the state `.parked(.time(_))`.
  var waitingForTime: [Connection] = []
  /// Connections whose intake is `.awaitingMemory`, in order of arrival.
  var awaitingMemory = Queue<Connection>()
  /// Connections in the state `.yielding`.
  var yielding: [Connection] = []

  /// Buffers lent to the connection being served.
  var spareInput = ByteBuffer()
  var spareOutput = ByteBuffer()
  var syncTiming = SyncTiming()
  /// How many times are kept in connections that are compared with the clock once a second.
  var timeCount = 0
  /// When they were last compared, and when connections were last checked for eviction, in seconds of the monotonic
  /// clock.
  var timesCheckedAt: Int64 = 0
  var evictionCheckedAt: Int64 = 0
  /// While the loop is stopping: when it stops waiting for its peers, and since when all of them only have to close, in
  /// milliseconds of the monotonic clock.
  var drainDeadline: Int64?
  var lingeringSince: Int64?

  public init(
    _ wire: Wire, mailbox: Mailbox<Wire.Peer>, registry: ConnectionRegistry<Wire.Peer>,
    memory: BufferMemory, traffic: Traffic, poller descriptor: consuming Descriptor,
    listener: Listener<Wire.Peer>?
  ) throws(IOError) {
    self.wire = wire
    self.mailbox = mailbox
    handle = mailbox.handle
    self.registry = registry
    self.memory = memory
    self.traffic = traffic
    poller = Poller(descriptor)
    self.listener = listener
    try poller.add(handle.event.number, token: PollerToken.wake, .read)
    for socket in listener?.sockets ?? [] {
      try poller.add(socket.number, token: PollerToken.listener, .read)
    }
  }

  /// Runs until a stop was requested and the connections have drained.
  public func run() {
    while !isDrained() {
      turn()
      wire.didTurn(on: self)
    }
    for accepted in mailbox.close() { adopt(accepted) }
    for connection in connections.all { close(connection) }
    wire.didStop()
  }

  private func turn() {
    // Under steady load no turn waits, but what others need is given up in each turn all the same.
    wire.willWait()
    connections.beginTurn()
    var timeout: Int32 = 0
    if !syncTiming.hasUnsynced && yielding.isEmpty {
      timeout = handle.arm() ? waitMilliseconds() : 0
    }
    let count = poller.wait(timeoutMilliseconds: timeout)
    handle.disarm()
    wire.didWait(on: self)
    syncWritten(isBusy: count > 0 || !yielding.isEmpty)
    let yielded = takeYielding()
    for index in 0..<count {
      let event = poller[index]
      switch event.token {
      case PollerToken.wake: handle.event.clear()
      case PollerToken.listener: acceptConnections()
      default:
        if let connection = connections[token: event.token] { serve(connection, event.ready) }
        if served.count >= Self.sendBatchSize { sendServed() }
      }
    }
    sendServed()
    // After all other ready connections.
    resume(yielded: yielded)
    let causes = handle.takeCauses()
    if !causes.isEmpty { receive(causes) }
    retryRoom()
    retryAwaitingMemory()
    resumeDue()
    if hasTimedWork { checkTimes() }
  }

  /// Responses are sent after this many connections were served.
  static var sendBatchSize: Int { 8 }

  private func receive(_ causes: WakeCauses) {
    if causes.contains(.mail) { readMail() }
    if causes.contains(.progress) { sendDurable() }
    wire.didReceive(causes, on: self)
    if handle.shouldStop { beginDrain() }
  }

  private func readMail() {
    for accepted in mailbox.take() { adopt(accepted) }
    let (killed, completed) = handle.takeMail()
    for id in killed { if let connection = connections[id: id] { close(connection) } }
    for id in completed { if let connection = connections[id: id] { didComplete(connection) } }
  }

  // MARK: Syncs

  /// What `advance` has written needs a sync.
  public func didWrite() { syncTiming.didWrite() }

  /// Whether nothing that was written needs a sync, and no response waits for one.
  public var isSynced: Bool { waitingForPosition.isEmpty && !syncTiming.hasUnsynced }

  /// Syncs what was written, when it is time.
  private func syncWritten(isBusy: Bool) {
    guard syncTiming.hasUnsynced else { return }
    let now = SystemClock.monotonicNanoseconds()
    switch syncTiming.nextStep(isBusy: isBusy, now: now) {
    case .gather: break
    case .delegate: wire.requestSync()
    case .syncInline:
      // False: another thread is syncing, includes what is buffered, and signals this loop.
      if wire.syncInline() { sendDurable() }
      syncTiming.didSync(from: now, to: SystemClock.monotonicNanoseconds())
    }
  }

  // MARK: Connections

  /// All that are open. O(connections).
  public var openConnections: [Connection] { connections.all }

  func close(_ connection: Connection) {
    guard connections.remove(connection) else { return }
    connection.state = .closed
    forgetTimes(of: connection)
    registry.leave(connection.record)
    try? poller.remove(connection.transport.number)
    wire.didClose(connection)
    // The connection may still be on lists that are processed later, so neither its descriptor nor its memory waits
    // until it is freed.
    connection.transport.close()
    releaseBuffers(of: connection)
  }

  /// Calls the protocol's log and closes the connection.
  public func cutOff(_ connection: Connection, because reason: CutOff) {
    wire.willCutOff(connection, because: reason)
    close(connection)
  }

  /// Frees all its memory.
  func releaseBuffers(of connection: Connection) {
    connection.input = ByteBuffer()
    connection.output.removeAll()
    wire.release(connection)
    account(connection)
  }
}

/// Tokens that are not those of connections.
enum PollerToken {
  static let wake = UInt64.max
  static let listener = UInt64.max - 1
}
