import KVStore
import Synchronization

/// What all event loops share.
final class ServerState: Sendable {
  let store: Store
  let options: ServerOptions
  let table = CommandTable.standard
  let cursors = ScanCursors()
  let clients: ClientRegistry
  let memory: ClientMemory
  let checkpoints: Checkpoints
  let users: Users
  let accessLog: AccessLog
  let gate = Gate()
  let keyCount = KeyCount()
  let scripts = ScriptCache()
  /// One per event loop.
  let counters: [LoopCounters]
  let startedAt: Int64
  /// The port listened on, once it is known.
  let port = Atomic<Int>(0)

  init(store: Store, options: ServerOptions, clientLimit: Int, users: Users) {
    self.store = store
    self.options = options
    self.users = users
    accessLog = AccessLog(limit: options.access.logLength)
    gate.setProtected(options.access.isProtected)
    clients = ClientRegistry(limit: clientLimit)
    memory = ClientMemory(limit: options.clientMemoryByteCount)
    checkpoints = Checkpoints(store: store)
    counters = (0..<options.ioThreadCount).map { _ in LoopCounters() }
    startedAt = System.monotonicSeconds()
  }
}

/// What one event loop counts. Only that loop writes, so a plain load and store is enough for others to
/// read a whole value.
final class LoopCounters: Sendable {
  private let commands = Atomic<UInt64>(0)
  private let errors = Atomic<UInt64>(0)
  private let received = Atomic<UInt64>(0)
  private let sent = Atomic<UInt64>(0)

  @inline(__always)
  private func add(_ amount: UInt64, to counter: borrowing Atomic<UInt64>) {
    counter.store(counter.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  @inline(__always)
  func countCommand() { add(1, to: commands) }
  func countError() { add(1, to: errors) }
  func countReceived(_ byteCount: Int) { add(UInt64(byteCount), to: received) }
  func countSent(_ byteCount: Int) { add(UInt64(byteCount), to: sent) }

  struct Totals {
    var commands: UInt64 = 0
    var errors: UInt64 = 0
    var received: UInt64 = 0
    var sent: UInt64 = 0
  }

  func add(to totals: inout Totals) {
    totals.commands += commands.load(ordering: .relaxed)
    totals.errors += errors.load(ordering: .relaxed)
    totals.received += received.load(ordering: .relaxed)
    totals.sent += sent.load(ordering: .relaxed)
  }
}

/// The number of keys for INFO, which monitors ask for again and again.
///
/// Counting looks at every key in memory. Where that takes long the last count serves for a while, such
/// that counting takes no more than a hundredth of the time. DBSIZE always counts.
final class KeyCount: Sendable {
  private struct State {
    var count = 0
    var countedAt: Int64?
    var cost: Int64 = 0
  }

  private let state = Mutex(State())

  func count(_ reader: Reader) throws(StoreError) -> Int {
    let begun = System.monotonicMilliseconds()
    let recent = state.withLock { state -> Int? in
      guard let countedAt = state.countedAt, begun < countedAt + 100 * state.cost else {
        return nil
      }
      return state.count
    }
    if let recent { return recent }
    let count = try reader.countEntries()
    let now = System.monotonicMilliseconds()
    state.withLock { $0 = State(count: count, countedAt: now, cost: now - begun) }
    return count
  }
}
