import KVStore
import Synchronization
import TxnWAL

/// Checkpoints asked for by clients, taken on a thread of their own while the event loops go on.
///
/// One is under way at a time. Whoever asks meanwhile gets the next, together with all others who do:
/// the one under way may have begun before what they wrote.
final class Checkpoints: Sendable {
  private struct State {
    var waiting: [CheckpointTicket] = []
    var isRunning = false
  }

  private let store: Store
  private let state = Mutex(State())
  /// Told when the thread is about to end.
  private let ended = Monitor()

  init(store: Store) { self.store = store }

  /// A ticket whose outcome `handle` is signalled of.
  func request(for handle: LoopHandle) -> CheckpointTicket {
    let ticket = CheckpointTicket(handle: handle)
    let mustStart = state.withLock { state in
      state.waiting.append(ticket)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    guard mustStart else { return ticket }
    do throws(WorkerThread.Refusal) {
      _ = try WorkerThread(attempting: "kvd-checkpoint") { self.run() }
    } catch {
      run { () throws(StoreError) in
        throw .io(errno: error.errno, operation: "starting a thread for", path: "the checkpoint")
      }
    }
    return ticket
  }

  /// Returns once no checkpoint is under way. Nobody may ask for another meanwhile.
  func finish() {
    ended.withLock {
      while state.withLock({ $0.isRunning }) { ended.wait() }
    }
  }

  private func run() { run { () throws(StoreError) in try self.store.checkpoint() } }

  private func run(_ checkpoint: () throws(StoreError) -> Void) {
    while true {
      let tickets = state.withLock { state in
        defer { state.waiting.removeAll() }
        state.isRunning = !state.waiting.isEmpty
        return state.waiting
      }
      if tickets.isEmpty { break }
      let outcome: Result<Void, StoreError>
      do throws(StoreError) {
        outcome = .success(try checkpoint())
      } catch {
        outcome = .failure(error)
      }
      for ticket in tickets { ticket.complete(outcome) }
    }
    ended.withLock { ended.broadcast() }
  }
}

/// A checkpoint that was asked for, and its outcome once it has one.
final class CheckpointTicket: Sendable {
  private let handle: LoopHandle
  private let state = Mutex<Result<Void, StoreError>?>(nil)

  fileprivate init(handle: LoopHandle) { self.handle = handle }

  /// Nil while it is under way.
  var outcome: Result<Void, StoreError>? { state.withLock { $0 } }

  fileprivate func complete(_ outcome: Result<Void, StoreError>) {
    state.withLock { $0 = outcome }
    handle.signal()
  }
}
