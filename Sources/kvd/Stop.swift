import Base
import Glibc
import KVServer

/// Handles a daemon's signals. While the store is being opened, a stop signal ends the process, which is
/// safe because the next start recovers. Later it stops the server. A further stop signal, more than a
/// second after the first, ends the process immediately, and so does the deadline: the next start recovers,
/// as after kill -9.
final class Stop: Sendable {
  private struct Serving {
    let stop: @Sendable () -> Void
    let reload: @Sendable () -> Void
  }

  private let serving = Lock<Serving?>(nil)
  private let seconds: Int
  private enum Reloading {
    case idle, running
    /// Another reload was requested meanwhile.
    case runningWithMore
  }

  private let reloading = Lock(Reloading.idle)

  init(seconds: Int) {
    self.seconds = seconds
  }

  /// Starts the thread that waits for signals. Call before anything that may take long.
  func start() throws(IOError) {
    _ = try WorkerThread(attempting: "kvd-signals") { self.run() }
  }

  /// From then on a stop signal calls `stop` on the signal thread, and SIGHUP calls `reload` on a separate
  /// one.
  func serve(stop: @escaping @Sendable () -> Void, reload: @escaping @Sendable () -> Void) {
    serving.withLock { $0 = Serving(stop: stop, reload: reload) }
  }

  private func run() {
    var sequence = StopSequence()
    var ignored: [Int32: Duration] = [:]
    while true {
      let signal = Signals.wait()
      if signal.isStop {
        stop(signal, sequence.receive(at: Self.milliseconds()))
      } else if signal.isReload {
        reload(signal)
      } else {
        // Somebody may send very many: each signal is logged at most once a second.
        let now = MonotonicTime.now
        if let last = ignored[signal.number], now - last < .seconds(1) { continue }
        ignored[signal.number] = now
        Log.line("\(signal.description): ignored")
      }
    }
  }

  // MARK: Stopping

  private func stop(_ signal: Signals.Received, _ step: StopSequence.Step) {
    switch step {
    case .begin: begin(signal)
    case .same: Log.line("\(signal.description): already stopping")
    case .force:
      Log.line("\(signal.description): exiting at once; the next start will recover the store")
      Log.flush()
      _exit(1)
    }
  }

  private func begin(_ signal: Signals.Received) {
    // Exits inside the lock, so that a server that is just starting is not missed.
    let serving = serving.withLock { serving -> Serving? in
      if serving == nil {
        Log.line(
          "\(signal.description): stopped while opening the store; the next start will recover it")
        Log.flush()
        _exit(0)
      }
      return serving
    }
    Log.line("\(signal.description): stopping; another signal after one second exits at once")
    let seconds = seconds
    // If the thread cannot be started, a second signal can still end a stop that takes too long.
    _ = try? WorkerThread(attempting: "kvd-deadline") {
      sleep(UInt32(seconds))
      Log.line(
        "not stopped within \(Plural.count(seconds, "second")): exiting now; the next start will recover the store"
      )
      Log.flush()
      _exit(1)
    }
    serving?.stop()
  }

  // MARK: Reading the configuration again

  /// Runs on its own thread: a file may be slow to read, and a stop must not wait for it.
  private func reload(_ signal: Signals.Received) {
    guard let serving = serving.withLock({ $0 }) else {
      return Log.line(
        "\(signal.description): configuration not reloaded: the store is not open yet")
    }
    Log.line("\(signal.description): reloading the configuration")
    let isFree = reloading.withLock { reloading in
      defer { reloading = reloading == .idle ? .running : .runningWithMore }
      return reloading == .idle
    }
    guard isFree else { return }
    do throws(IOError) {
      _ = try WorkerThread(attempting: "kvd-reload") {
        repeat { serving.reload() } while self.mustReloadAgain()
      }
    } catch {
      reloading.withLock { $0 = .idle }
      Log.line(
        "cannot reload the configuration: cannot start a thread: "
          + IOError.text(ofErrno: error.errno))
    }
  }

  private func mustReloadAgain() -> Bool {
    reloading.withLock { reloading in
      defer { reloading = reloading == .runningWithMore ? .running : .idle }
      return reloading == .runningWithMore
    }
  }

  private static func milliseconds() -> Int64 {
    let (seconds, attoseconds) = MonotonicTime.now.components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
