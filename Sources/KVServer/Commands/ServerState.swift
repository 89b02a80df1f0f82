import KVStore
import Synchronization

/// What all event loops share.
final class ServerState: Sendable {
  let store: Store
  let options: ServerOptions
  let table = CommandTable.standard
  let cursors = ScanCursors()
  let clients: ClientRegistry
  /// One per event loop.
  let counters: [LoopCounters]
  let startedAt: Int64
  /// The port listened on, once it is known.
  let port = Atomic<Int>(0)

  init(store: Store, options: ServerOptions) {
    self.store = store
    self.options = options
    clients = ClientRegistry(limit: options.clientLimit)
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
