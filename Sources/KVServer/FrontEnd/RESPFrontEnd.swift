import Base
import KVStore
import Net

/// A client's connection.
typealias Client = Connection<ClientContext>

/// An I/O thread that serves clients.
typealias ClientLoop = EventLoop<RESPFrontEnd>

/// The Redis protocol and its commands on the connections of one event loop.
final class RESPFrontEnd: WireProtocol {
  typealias Peer = ClientRecord
  typealias Context = ClientContext

  let server: ServerState
  private(set) var store: Store
  private let handle: LoopHandle
  let counters: LoopCounters
  private let statistics: LoopStatistics
  /// A copy of the options in force; see `refreshOptions`.
  var options: ServerOptions
  var optionsRevision = -1
  /// What runs commands. The parts that belong to a connection are swapped in while its requests run.
  var call: Call
  let prefetcher = PipelinePrefetcher()
  /// How long one connection's requests may run before other connections are served, in ticks.
  let sliceTicks = TickClock.standard.ticks(microseconds: ClientLoop.sliceMicroseconds)
  /// The gate's revision that the requests held back by it were last retried at.
  var gateRevision: UInt64 = 0
  /// The connections in MONITOR mode.
  var monitors: [Client] = []

  init(
    server: ServerState, handle: LoopHandle, counters: LoopCounters, statistics: LoopStatistics
  ) {
    self.server = server
    self.handle = handle
    self.counters = counters
    self.statistics = statistics
    store = server.store
    options = server.live.current
    call = Self.makeCall(server, counters, statistics, handle)
  }

  private static func makeCall(
    _ server: ServerState, _ counters: LoopCounters, _ statistics: LoopStatistics,
    _ handle: LoopHandle
  ) -> Call {
    let nobody = ClientRecord(
      ConnectionRecord(
        id: 0, address: "", localAddress: "", descriptor: -1, now: SystemClock.monotonicSeconds()))
    let loop = LoopResources(
      server: server, counters: counters, statistics: statistics, handle: handle)
    return Call(loop, session: Session(record: nobody))
  }

  // MARK: Turns

  /// An open read transaction makes LMDB's file grow.
  func willWait() {
    call.reader.end()
    sampleRate()
  }

  func didWait(on loop: ClientLoop) { refreshOptions(of: loop) }

  func didTurn(on loop: ClientLoop) {
    if loop.hasWaiting(for: Event.gate), server.gate.endPauseIfDue() {
      loop.resumeWaiting(for: Event.gate)
    }
    guard server.reload.isAsked, loop.isSynced else { return }
    call.reader.close()
    server.reload.join { () throws(StoreError) in try server.reopen() }
    store = server.store
    optionsRevision = -1
    call = Self.makeCall(server, counters, statistics, handle)
    refreshOptions(of: loop)
    loop.resumeWaiting(for: Event.reload)
  }

  func didStop() {
    server.reload.leave()
    call.reader.end()
  }

  /// Samples the command count from time to time, for the rate per second in INFO.
  private func sampleRate() {
    let now = SystemClock.monotonicMilliseconds()
    if server.rate.isDue(now) {
      server.rate.sample(LoopCounters.Totals(of: server.counters), now: now)
    }
  }

  /// Copies the options again if they have changed, and checks the memory limit.
  func refreshOptions(of loop: ClientLoop) {
    call.meter.isMonitored = server.monitors.isActive
    server.memoryLimit.look(server.gate)
    let revision = server.live.revision
    guard revision != optionsRevision else { return }
    optionsRevision = revision
    options = server.live.current
    call.watch(options)
    loop.limits = options.loopLimits
    for connection in loop.openConnections { configure(connection) }
  }

  // MARK: The log

  var durablePosition: UInt64 { store.durablePosition }

  var hasLogFailed: Bool { store.poisoned != nil }

  func writeOutcomeUnknown(to connection: Client) {
    guard let reason = store.poisoned else { return }
    append(to: connection) { StoreErrorReply.writeOutcomeUnknown(reason, to: &$0) }
  }

  func syncInline() -> Bool {
    do throws(StoreError) {
      return try store.syncIfIdle()
    } catch {
      return true
    }
  }

  func requestSync() { store.requestSync() }

  // MARK: The operator

  func log(_ text: String) { options.log(text) }

  /// Appends a reply that no command writes.
  func append(to connection: Client, _ write: (inout ReplyWriter) -> Void) {
    var reply = ReplyWriter()
    swap(&reply.bytes, &connection.output.bytes)
    write(&reply)
    swap(&reply.bytes, &connection.output.bytes)
  }
}

extension ServerOptions {
  /// The limits for all clients, as event loops know them.
  var loopLimits: LoopLimits {
    var limits = LoopLimits()
    limits.idleSeconds = idleTimeoutSeconds
    limits.requestSeconds = requestTimeoutSeconds
    limits.stallSeconds = stallTimeoutSeconds
    limits.keepAliveSeconds = keepAliveSeconds
    limits.drainMilliseconds = drainTimeoutMilliseconds
    return limits
  }
}
