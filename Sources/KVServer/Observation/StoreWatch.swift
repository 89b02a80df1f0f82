import Base
import KVStore
import Synchronization

/// Logs for the operator what happens to the store while it is served: writes that are refused and accepted
/// again, files that are damaged or missing, damaged values found by reads.
///
/// A separate thread checks once a second, so commands pay nothing for it, and a state that flaps produces
/// at most one line a second.
final class StoreWatch: Sendable {
  private static let intervalMilliseconds = 1000

  private let log: @Sendable (String) -> Void
  private let monitor = Monitor()
  private let isClosing = Atomic<Bool>(false)
  private let hasStarted = Atomic<Bool>(false)
  /// Signalled when the thread ends.
  private let hasEnded = Atomic<Bool>(false)

  init(log: @escaping @Sendable (String) -> Void) { self.log = log }

  func start(_ server: ServerState) {
    do throws(IOError) {
      hasStarted.store(true, ordering: .relaxed)
      _ = try WorkerThread(attempting: "kvd-watch") { self.run(server) }
    } catch {
      hasStarted.store(false, ordering: .relaxed)
      log("cannot start the thread that watches the store: \(IOError.text(ofErrno: error.errno))")
    }
  }

  /// Checks once more and ends the thread. The store must stay open until this returns.
  func close() {
    guard hasStarted.load(ordering: .relaxed) else { return }
    monitor.withLock {
      isClosing.store(true, ordering: .relaxed)
      monitor.broadcast()
      while !hasEnded.load(ordering: .relaxed) { monitor.wait() }
    }
  }

  private func run(_ server: ServerState) {
    var report = StoreReport()
    var isLast = false
    while !isLast {
      monitor.withLock {
        if !isClosing.load(ordering: .relaxed) {
          monitor.wait(milliseconds: Self.intervalMilliseconds)
        }
        isLast = isClosing.load(ordering: .relaxed)
      }
      // While the store is being reopened, nothing may use it.
      if server.reload.isAsked { continue }
      server.store.checkFiles()
      server.figures.renew(server.store) { self.isClosing.load(ordering: .relaxed) }
      for line in report.lines(for: StoreReport.State(of: server)) { log(line) }
    }
    monitor.withLock {
      hasEnded.store(true, ordering: .relaxed)
      monitor.broadcast()
    }
  }
}

/// What was reported about a store, and what to report next.
struct StoreReport {
  /// The state to report on.
  struct State {
    var poison: String?
    var fullDisk: String?
    var isMemoryFull = false
    var isClientMemoryFull = false
    var damagedPartitions: [(index: Int, error: String)] = []
    var damage: [(partition: Int, findings: [String], omittedCount: Int)] = []
  }

  private var told = State()
  private var toldPartitions: Set<Int> = []

  /// A line for each change since the last call.
  mutating func lines(for state: State) -> [String] {
    var lines: [String] = []
    if let poison = state.poison, told.poison == nil { lines.append(poison) }
    if let full = state.fullDisk, told.fullDisk == nil {
      lines.append("writes are refused: \(full); kvd retries twice a second")
    } else if state.fullDisk == nil, told.fullDisk != nil {
      lines.append("disk space is available again: writes are accepted")
    }
    if state.isMemoryFull != told.isMemoryFull {
      lines.append(
        state.isMemoryFull
          ? "memory use is above maxmemory: commands that may need more are refused; raise maxmemory or lower 'memory'"
          : "memory use is below maxmemory again: all commands are accepted")
    }
    if state.isClientMemoryFull != told.isClientMemoryFull {
      lines.append(
        state.isClientMemoryFull
          ? "clients use all of maxmemory-clients: large requests wait or are refused; see CLIENT LIST"
          : "clients use less than maxmemory-clients again")
    }
    for (index, error) in state.damagedPartitions where toldPartitions.insert(index).inserted {
      lines.append(
        "partition \(index) accepts no more writes because its file is damaged: \(error)")
    }
    for (partition, findings, omittedCount) in state.damage {
      for finding in findings {
        lines.append(
          "partition \(partition) has a damaged value: \(finding); rewrite the key or restore it from a backup"
        )
      }
      if omittedCount > 0 {
        lines.append(
          "partition \(partition) has \(omittedCount) more: run `kvd check`, and see damaged_values in INFO kvd"
        )
      }
    }
    told = state
    return lines
  }
}

extension StoreReport.State {
  init(of server: ServerState) {
    let store = server.store
    if case .poisoned? = store.poisoned { poison = store.poisoned.map { "\($0)" } }
    fullDisk = poison == nil ? store.diskFull.map { "\($0)" } : nil
    isMemoryFull = server.gate.isMemoryFull
    isClientMemoryFull = server.memory.isFull
    damagedPartitions = store.damagedPartitions.map { ($0.index, "\($0.error)") }
    damage = store.takeDamage().map { part in
      (part.partition, part.findings.map { "\($0)" }, part.omittedCount)
    }
  }
}
