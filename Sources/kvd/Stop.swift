import Base
import Glibc
import TxnWAL

/// What SIGTERM and SIGINT do. While the store is being opened the first one ends the process, which
/// recovery does not mind; later it stops the server. The second ends the process at once, and so does
/// the deadline: the next start recovers, as after kill -9.
final class Stop: Sendable {
  private enum State {
    case opening
    case serving(@Sendable () -> Void)
    case stopped
  }

  private let state = Lock(State.opening)
  private let seconds: Int

  init(seconds: Int) {
    self.seconds = seconds
  }

  /// Starts the thread that waits for signals, before anything may take long.
  func start() throws(WorkerThread.Refusal) {
    _ = try WorkerThread(attempting: "kvd-signals") {
      self.run()
      Log.line("signal \(Signals.wait()): stopping at once")
      _exit(1)
    }
  }

  /// From now on the first signal calls `stop`, on a thread of its own.
  func serve(stop: @escaping @Sendable () -> Void) {
    state.withLock { $0 = .serving(stop) }
  }

  private func run() {
    let first = Signals.wait()
    // Inside the lock, so that a server that is just starting is not missed.
    let stop = state.withLock { state -> (@Sendable () -> Void)? in
      guard case .serving(let stop) = state else {
        Log.line("signal \(first): stopped before the store was open; the next start goes on")
        exit(now: 0)
        return nil
      }
      state = .stopped
      return stop
    }
    Log.line("signal \(first): stopping; a second signal stops at once")
    let seconds = seconds
    // Refused, it leaves the second signal to end a stop that takes too long.
    _ = try? WorkerThread(attempting: "kvd-deadline") {
      sleep(UInt32(seconds))
      Log.line("not stopped after \(seconds) seconds: ending as it is; the next start recovers")
      _exit(1)
    }
    stop?()
  }

  private func exit(now status: Int32) { _exit(status) }
}
