import Base
import TxnWAL

/// The thread on which the batches of tasks are looked up and evaluated. Both may wait, for the disk and for whoever is
/// the sequencer, and the few threads that run tasks must not.
///
/// It starts with the first batch. What waits for it is bounded by the tasks: one piece of work for each that is
/// suspended here.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor, but for `thread` in `close`, after
/// which nobody starts one.
final class CommitThread: @unchecked Sendable {
  private let monitor = Monitor()
  private var waiting: [@Sendable () -> Void] = []
  private var thread: WorkerThread?
  private var isClosing = false

  /// Runs `body` on the thread, in the order of the calls. Throws `.closed` after `close`.
  func run<R: Sendable>(
    _ body: @escaping @Sendable () throws(StoreError) -> R
  ) async throws(StoreError) -> R {
    let result: Result<R, StoreError> = await withCheckedContinuation { continuation in
      let isTaken = add {
        do throws(StoreError) {
          continuation.resume(returning: .success(try body()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
      if !isTaken { continuation.resume(returning: .failure(.closed)) }
    }
    return try result.get()
  }

  /// Ends the thread once all that waits is done.
  func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
  }

  private func add(_ work: @escaping @Sendable () -> Void) -> Bool {
    monitor.withLock {
      if isClosing { return false }
      waiting.append(work)
      if thread == nil { thread = WorkerThread(name: "kvd-commit") { self.work() } }
      monitor.signal()
      return true
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
