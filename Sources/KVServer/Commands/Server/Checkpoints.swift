import Base
import KVStore
import Net

/// Checkpoints requested by clients, taken on a separate thread while the event loops keep running.
///
/// One is taken at a time. Requests made meanwhile share the next one, because the current one may have begun
/// before their writes.
final class Checkpoints: Sendable {
  private struct State {
    var waiting: [CheckpointTicket] = []
    /// Whether there is a thread that takes checkpoints.
    var isRunning = false
    /// Whether a checkpoint is being taken whose outcome is not recorded yet.
    var isUnderWay = false
    var report = Report()
  }

  /// What INFO and LASTSAVE report.
  struct Report {
    var isRunning = false
    /// When the last checkpoint succeeded, in seconds since 1970; until then, when the server started.
    var lastSavedAt: Int64 = SystemClock.timeOfDay().seconds
    var hasFailed = false
    /// How long the last checkpoint took, and when the current one began on the monotonic clock, in seconds; -1
    /// for none.
    var lastSeconds: Int64 = -1
    var begunAt: Int64 = -1
    var count = 0
    /// The sequence number up to which the last checkpoint reached.
    var sequence: UInt64 = 0
  }

  private let store: Store
  private let locked = Lock(State())
  /// Signalled when the thread is about to end.
  private let ended = Monitor()

  init(store: Store) {
    self.store = store
    locked.withLock { $0.report.sequence = store.publishedSequence }
  }

  var state: Report {
    locked.withLock { state in
      var report = state.report
      report.isRunning = state.isUnderWay || !state.waiting.isEmpty
      return report
    }
  }

  /// Requests a checkpoint. `handle` is signalled when the ticket has its outcome.
  func request(for handle: LoopHandle) -> CheckpointTicket {
    let ticket = CheckpointTicket(handle: handle)
    let mustStart = locked.withLock { state in
      state.waiting.append(ticket)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    guard mustStart else { return ticket }
    do throws(IOError) {
      _ = try WorkerThread(attempting: "kvd-checkpoint") { self.run() }
    } catch {
      run { () throws(StoreError) in throw StoreError(error) }
    }
    return ticket
  }

  /// Returns once no checkpoint is being taken. No other may be requested meanwhile.
  func finish() {
    ended.withLock {
      while locked.withLock({ $0.isRunning }) { ended.wait() }
    }
  }

  private func run() { run { () throws(StoreError) in try self.store.checkpoint() } }

  private func run(_ checkpoint: () throws(StoreError) -> Void) {
    while true {
      let tickets = locked.withLock { state in
        defer { state.waiting.removeAll() }
        state.isRunning = !state.waiting.isEmpty
        state.isUnderWay = state.isRunning
        return state.waiting
      }
      if tickets.isEmpty { break }
      let outcome: Result<Void, StoreError>
      let begun = SystemClock.monotonicSeconds()
      let sequence = store.publishedSequence
      locked.withLock { $0.report.begunAt = begun }
      do throws(StoreError) {
        outcome = .success(try checkpoint())
      } catch {
        outcome = .failure(error)
      }
      enter(outcome, begun: begun, sequence: sequence)
      for ticket in tickets { ticket.complete(outcome) }
    }
    ended.withLock { ended.broadcast() }
  }
}

extension Checkpoints {
  private func enter(_ outcome: Result<Void, StoreError>, begun: Int64, sequence: UInt64) {
    locked.withLock { state in
      // Before any waiter gets the outcome: its next request must not find this checkpoint still running.
      state.isUnderWay = false
      state.report.lastSeconds = SystemClock.monotonicSeconds() - begun
      state.report.begunAt = -1
      switch outcome {
      case .success:
        state.report.hasFailed = false
        state.report.count += 1
        state.report.lastSavedAt = SystemClock.timeOfDay().seconds
        state.report.sequence = sequence
      case .failure: state.report.hasFailed = true
      }
    }
  }
}

/// A requested checkpoint, and its outcome once it has one.
final class CheckpointTicket: Sendable {
  private let handle: LoopHandle
  private let state = Lock<Result<Void, StoreError>?>(nil)

  fileprivate init(handle: LoopHandle) { self.handle = handle }

  /// Nil until the checkpoint is done.
  var outcome: Result<Void, StoreError>? { state.withLock { $0 } }

  fileprivate func complete(_ outcome: Result<Void, StoreError>) {
    state.withLock { $0 = outcome }
    handle.signal(.event(RESPFrontEnd.Event.checkpoint))
  }
}
