import Base
import KVData
import KVStore
import Net
import Synchronization

/// The state that all event loops share.
final class ServerState: Sendable {
  private let opened: Lock<OpenStore>
  /// The options at startup. `live` has those that CONFIG SET changes.
  let options: ServerOptions
  let live: LiveOptions
  let table = CommandTable.standard
  let cursors: ScanCursors
  let clients: ClientRegistry
  let memory: BufferMemory
  let users: Users
  let accessLog: AccessLog
  let gate = Gate()
  let crossProtocol = CrossProtocolGuard()
  let cutOffs = CutOffs()
  let sideWork = BackgroundWork()
  let memoryLimit = MemoryLimit()
  let reload: Reload
  let scripts = ScriptCache()
  let runningScript = RunningScript()
  /// One per event loop.
  let counters: [LoopCounters]
  let statistics: [LoopStatistics]
  /// Takes what long reads count; it is never read. The event loops count those commands themselves once they
  /// are done.
  let longReadStatistics = LoopStatistics(commandCount: CommandTable.standard.commands.count)
  let rate = Rate()
  let slowLog = SlowLog()
  let latency = LatencyLog()
  let monitors = Monitors()
  let watch: StoreWatch
  /// The Redis settings without effect that the log has mentioned.
  let noted = Lock<Set<String>>([])
  let startedAt: Int64
  /// Identifies this run of the server: 40 hexadecimal digits, as in Redis.
  let runID: String
  /// The port listened on, once it is known.
  let port = Atomic<Int>(0)
  /// How many expired keys commands have removed.
  let expiredKeysSeenCount = Atomic<UInt64>(0)
  /// How many commands have become long reads.
  let longReadCount = Atomic<UInt64>(0)
  /// A MEMORY PURGE was requested and has not begun.
  let isPurgeAsked = Atomic<Bool>(false)
  /// The counters when statistics were last reset.
  let baseline = Lock(Baseline())
  private let handles = Lock<[LoopHandle]>([])

  /// How many expired keys have been removed, for INFO.
  var expiredKeyCount: UInt64 {
    expiredKeysSeenCount.load(ordering: .relaxed) &+ expiry.removedCount
  }

  struct Baseline {
    var totals = LoopCounters.Totals()
    var tallies: [Int: LoopStatistics.Tally] = [:]
    var accepted: UInt64 = 0
    var refused: UInt64 = 0
    var expired: UInt64 = 0
  }

  init(store: Store, options: ServerOptions, clientLimit: Int, users: Users) {
    opened = Lock(OpenStore(store, log: options.log))
    cursors = ScanCursors(store: store.id)
    reload = Reload(loopCount: options.ioThreadCount)
    self.options = options
    live = LiveOptions(options)
    watch = StoreWatch(log: options.log)
    self.users = users
    accessLog = AccessLog(limit: options.access.logLength)
    gate.setProtected(options.access.isProtected)
    memoryLimit.set(options.memoryLimit, gate)
    clients = ClientRegistry(limit: clientLimit)
    memory = BufferMemory(limit: options.clientMemoryByteCount)
    counters = (0..<options.ioThreadCount).map { _ in LoopCounters() }
    statistics = (0..<options.ioThreadCount).map { _ in
      LoopStatistics(commandCount: CommandTable.standard.commands.count)
    }
    startedAt = SystemClock.monotonicSeconds()
    let words = (0..<3).map { _ in String(UInt64.random(in: 1 << 60 ... .max), radix: 16) }
    runID = String(words.joined().prefix(40))
  }

  /// To be called once, before there are clients.
  func begin(_ handles: [LoopHandle]) {
    self.handles.withLock { $0 = handles }
    gate.setLoops(handles)
    opened.withLock { $0 }.signal(handles)
  }

  // MARK: The store

  var store: Store { opened.withLock { $0.store } }
  var checkpoints: Checkpoints { opened.withLock { $0.checkpoints } }
  var expiry: ExpiryWorker { opened.withLock { $0.expiry } }
  var longReads: LongReads { opened.withLock { $0.longReads } }
  var figures: StoreFigures { opened.withLock { $0.figures } }

  /// Starts what works on the store besides the event loops.
  func start() { opened.withLock { $0 }.start() }

  /// Stops what works on the store besides the event loops.
  func finish() {
    sideWork.finish()
    opened.withLock { $0 }.finish()
  }

  /// Switches to another store. What worked on the old one must have ended.
  func replace(_ store: OpenStore) {
    expiredKeysSeenCount.add(expiry.removedCount, ordering: .relaxed)
    store.signal(handles.withLock { $0 })
    opened.withLock { $0 = store }
    users.mark.follow(store.store)
    store.start()
  }

  // MARK: Options

  /// Changes options while the server runs: everything that `body` sets, or nothing.
  func change(_ body: (inout ServerOptions) throws(SettingRefusal) -> Void) throws(SettingRefusal) {
    try live.change { (options) throws(SettingRefusal) in
      let old = options
      try body(&options)
      if options.clientLimit != old.clientLimit {
        let possible = Server.possibleClientCount(
          wanted: options.clientLimit, connected: clients.count)
        guard possible >= options.clientLimit else {
          var refusal = SettingRefusal(
            "The operating system is not able to handle the specified number of clients, "
              + "try with \(possible)")
          refusal.setting = "maxclients"
          throw refusal
        }
        clients.limit.store(options.clientLimit, ordering: .relaxed)
      }
      memory.limit.store(options.clientMemoryByteCount, ordering: .relaxed)
      if options.memoryLimit != old.memoryLimit { memoryLimit.set(options.memoryLimit, gate) }
      if options.access.password != old.access.password {
        users.setPassword(options.access.password)
        gate.change()
      }
      gate.setProtected(options.access.isProtected)
      users.setChannelDefault(options.access.channelDefault)
      accessLog.setLimit(options.access.logLength)
      if options.slowLogLength < old.slowLogLength { slowLog.trim(to: options.slowLogLength) }
    }
    wakeLoops()
  }

  /// Logs, once for each setting, that a Redis setting has no effect.
  func note(_ setting: Setting) {
    guard let note = setting.note, noted.withLock({ $0.insert(setting.name).inserted }) else {
      return
    }
    options.log("CONFIG SET: \(note)")
  }

  /// Wakes every event loop, so that it notices what has changed.
  func wakeLoops() {
    for handle in handles.withLock({ $0 }) { handle.signal() }
  }

  /// Begins to stop this server, or calls the `shutDown` option if that is set.
  func shutDown() {
    if let shutDown = options.shutDown { return shutDown() }
    for handle in handles.withLock({ $0 }) { handle.stop() }
  }

  /// What the loops have counted since the statistics were reset.
  var totals: LoopCounters.Totals {
    LoopCounters.Totals(of: counters).since(baseline.withLock { $0.totals })
  }

  /// The tallies of the commands called since then, by their index in the table.
  var tallies: [Int: LoopStatistics.Tally] {
    let earlier = baseline.withLock { $0.tallies }
    return LoopStatistics.tallies(of: statistics).reduce(into: [:]) {
      let tally = earlier[$1.key].map($1.value.since) ?? $1.value
      if !tally.isEmpty { $0[$1.key] = tally }
    }
  }

  func resetStatistics() {
    let connections = clients.totals
    baseline.withLock { baseline in
      baseline.totals = LoopCounters.Totals(of: counters)
      baseline.tallies = LoopStatistics.tallies(of: statistics)
      baseline.accepted = connections.accepted
      baseline.refused = connections.refused
      baseline.expired = expiredKeyCount
    }
    for statistics in statistics { statistics.resetErrors() }
    cutOffs.reset()
  }
}

/// The counters of one event loop. Only that loop writes them, so a plain load and store is enough for other
/// threads to read a whole value.
final class LoopCounters: Sendable {
  private let commands = Atomic<UInt64>(0)
  private let errors = Atomic<UInt64>(0)
  private let hits = Atomic<UInt64>(0)
  private let misses = Atomic<UInt64>(0)
  let traffic = Traffic()

  @inline(__always)
  private func add(_ amount: UInt64, to counter: borrowing Atomic<UInt64>) {
    counter.store(counter.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  @inline(__always)
  func countCommand() { add(1, to: commands) }
  func countError() { add(1, to: errors) }
  func countLookups(hits found: Int, misses absent: Int) {
    if found > 0 { add(UInt64(found), to: hits) }
    if absent > 0 { add(UInt64(absent), to: misses) }
  }

  struct Totals {
    var commands: UInt64 = 0
    var errors: UInt64 = 0
    var received: UInt64 = 0
    var sent: UInt64 = 0
    var reads: UInt64 = 0
    var writes: UInt64 = 0
    var hits: UInt64 = 0
    var misses: UInt64 = 0

    init() {}

    init(of loops: [LoopCounters]) {
      for loop in loops {
        commands += loop.commands.load(ordering: .relaxed)
        errors += loop.errors.load(ordering: .relaxed)
        let traffic = loop.traffic.totals
        received += traffic.received
        sent += traffic.sent
        reads += traffic.reads
        writes += traffic.writes
        hits += loop.hits.load(ordering: .relaxed)
        misses += loop.misses.load(ordering: .relaxed)
      }
    }

    func since(_ other: Totals) -> Totals {
      var totals = self
      totals.commands -= other.commands
      totals.errors -= other.errors
      totals.received -= other.received
      totals.sent -= other.sent
      totals.reads -= other.reads
      totals.writes -= other.writes
      totals.hits -= other.hits
      totals.misses -= other.misses
      return totals
    }
  }
}
