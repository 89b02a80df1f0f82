import Base
import KVStore

/// Checkpoints asked for by clients, taken on a thread of their own while the event loops go on.
///
/// One is under way at a time. Whoever asks meanwhile gets the next, together with all others who do:
/// the one under way may have begun before what they wrote.
final class Checkpoints: Sendable {
  private struct State {
    var waiting: [CheckpointTicket] = []
    /// Whether there is a thread that takes them.
    var isRunning = false
    /// Whether one is under way that nobody has the outcome of.
    var isUnderWay = false
    var report = Report()
  }

  /// What INFO tells.
  struct Report {
    var isRunning = false
    /// In seconds since 1970: of the last success, at first of the start.
    var lastSavedAt: Int64 = SystemClock.timeOfDay().seconds
    var hasFailed = false
    /// How long the last one took, and since when the one under way runs, in seconds; -1 for none.
    var lastSeconds: Int64 = -1
    var begunAt: Int64 = -1
    var count = 0
    /// The sequence number up to which the last one reached.
    var sequence: UInt64 = 0
  }

  private let store: Store
  private let locked = Lock(State())
  /// Told when the thread is about to end.
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

  /// A ticket whose outcome `handle` is signalled of.
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

  /// Returns once no checkpoint is under way. Nobody may ask for another meanwhile.
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
      // Before anybody is told the outcome: who asks for the next one then must not find this one.
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

/// A checkpoint that was asked for, and its outcome once it has one.
final class CheckpointTicket: Sendable {
  private let handle: LoopHandle
  private let state = Lock<Result<Void, StoreError>?>(nil)

  fileprivate init(handle: LoopHandle) { self.handle = handle }

  /// Nil while it is under way.
  var outcome: Result<Void, StoreError>? { state.withLock { $0 } }

  fileprivate func complete(_ outcome: Result<Void, StoreError>) {
    state.withLock { $0 = outcome }
    handle.signal()
  }
}
