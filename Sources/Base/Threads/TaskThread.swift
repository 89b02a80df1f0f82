/// A thread on which tasks have work done that blocks, on the disk or on a lock: it must not block the few threads that
/// run tasks.
///
/// It starts with the first piece of work. Its queue is bounded by the number of tasks: each task that is suspended here
/// has one piece of work in it. Pieces run one after the other, so none may take long.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor, except for `thread` in `close`,
/// after which no thread is started.
package final class TaskThread: @unchecked Sendable {
  /// Why work is not carried out.
  package enum Refusal: Sendable {
    case closed
    /// The system refuses to create the thread. The next call tries again.
    case notStarted(IOError)
  }

  private let name: String
  private let monitor = Monitor()
  private var waiting: [@Sendable () -> Void] = []
  private var thread: WorkerThread?
  private var isClosing = false

  /// - Parameter name: of the thread.
  package init(name: String) { self.name = name }

  /// Runs `body` on the thread, in the order of the calls.
  package func run<R: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> R, ifRefused: (Refusal) -> Failure
  ) async throws(Failure) -> R {
    let result: Result<R, Failure> = await withCheckedContinuation { continuation in
      let refusal = add {
        do throws(Failure) {
          continuation.resume(returning: .success(try body()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
      if let refusal { continuation.resume(returning: .failure(ifRefused(refusal))) }
    }
    return try result.get()
  }

  /// Stops the thread once all queued work is done.
  package func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
  }

  /// How many pieces of work are queued, without those that the thread has already taken.
  package var waitingCount: Int { monitor.withLock { waiting.count } }

  /// Returns why `work` is not going to be run, or nil if it is.
  private func add(_ work: @escaping @Sendable () -> Void) -> Refusal? {
    monitor.withLock {
      if isClosing { return .closed }
      do throws(IOError) {
        if thread == nil { thread = try WorkerThread(attempting: name) { self.work() } }
      } catch {
        return .notStarted(error)
      }
      waiting.append(work)
      monitor.signal()
      return nil
    }
  }

  private func work() {
    while true {
      let taken = monitor.withLock {
        while waiting.isEmpty, !isClosing { monitor.wait() }
        defer { waiting = [] }
        return waiting
      }
      if taken.isEmpty { return }
      for work in taken { work() }
    }
  }
}
