import CLinux
import Glibc

/// A named operating-system thread that runs one function.
///
/// Everything that waits for the disk runs on such a thread, never as a task of the concurrency runtime, whose few
/// threads must not block. A thread that is never joined is detached.
package final class WorkerThread: Sendable {
  private let handle: Lock<pthread_t?>
  private let simulated: (scheduler: any ThreadScheduler, thread: Int)?

  /// Starts a thread called `name` (the system shows at most 15 bytes). It inherits the caller's signal mask.
  /// `pthread_create(3)`.
  package init(attempting name: String, _ body: @escaping @Sendable () -> Void) throws(IOError) {
    let simulated = Scheduling.current.map { (scheduler: $0, thread: $0.willStart(name)) }
    self.simulated = simulated
    let start = unsafe Unmanaged.passRetained(Start(name: name, simulated: simulated, body: body))
    var thread = pthread_t()
    let code = unsafe pthread_create(
      &thread, nil,
      { argument in
        let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
        unsafe pthread_setname_np(pthread_self(), String(start.name.prefix(15)))
        start.run()
        return nil
      }, start.toOpaque())
    guard code == 0 else {
      unsafe start.release()
      throw IOError(errno: code, operation: "start thread", path: name)
    }
    handle = Lock(thread)
  }

  /// Starts a thread that the process cannot do without, such as the log writer or an apply worker. Failure ends
  /// the process; the next start recovers.
  package convenience init(name: String, _ body: @escaping @Sendable () -> Void) {
    do throws(IOError) {
      try self.init(attempting: name, body)
    } catch {
      preconditionFailure(
        "\(error); raise the limits (ulimit -u, -v, -s)")
    }
  }

  deinit {
    if let thread = handle.withLock({ $0 }) { pthread_detach(thread) }
  }

  /// Waits for the function to return. A second call returns at once.
  package func join() {
    let thread = handle.withLock { handle in
      defer { handle = nil }
      return handle
    }
    guard let thread else { return }
    if let simulated { simulated.scheduler.join(simulated.thread) }
    pthread_join(thread, nil)
  }

  private final class Start: Sendable {
    let name: String
    private let simulated: (scheduler: any ThreadScheduler, thread: Int)?
    private let body: @Sendable () -> Void

    init(
      name: String, simulated: (scheduler: any ThreadScheduler, thread: Int)?,
      body: @escaping @Sendable () -> Void
    ) {
      self.name = name
      self.simulated = simulated
      self.body = body
    }

    func run() {
      if let simulated { simulated.scheduler.begin(simulated.thread) }
      body()
      if let simulated { simulated.scheduler.end(simulated.thread) }
    }
  }
}
