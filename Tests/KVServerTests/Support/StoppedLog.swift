import Base

@testable import KVStore

/// Keeps a store's log from being written until `resume`: what is evaluated meanwhile stays
/// unacknowledged.
///
/// Whoever writes the log tells observers of it before the next may write. One that does not return
/// therefore stops the log, on a thread of its own, so that nothing else waits with it.
final class StoppedLog: Sendable {
  private enum State { case waiting, stopped, resumed }
  private let state = Lock(State.waiting)
  private let monitor = Monitor()
  private let thread = Lock<WorkerThread?>(nil)

  init(_ store: Store) throws {
    store.observe { self.stop() }
    thread.withLock {
      $0 = WorkerThread(name: "stopped-log") { _ = try? store.put(Array("log".utf8), []) }
    }
    monitor.withLock {
      while state.withLock({ $0 }) == .waiting { monitor.wait() }
    }
  }

  deinit { resume() }

  /// Observers are told of other things too; only the first time counts.
  private func stop() {
    let isFirst = state.withLock { state in
      defer { if state == .waiting { state = .stopped } }
      return state == .waiting
    }
    guard isFirst else { return }
    monitor.withLock {
      monitor.broadcast()
      while state.withLock({ $0 }) == .stopped { monitor.wait() }
    }
  }

  func resume() {
    monitor.withLock {
      state.withLock { $0 = .resumed }
      monitor.broadcast()
    }
    thread.withLock { $0?.join() }
  }
}
