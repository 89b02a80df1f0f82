import Base
import TxnWAL

/// The thread on which the batches of tasks are looked up and evaluated. Both may block, on the disk and on
/// the current sequencer, and must not block the few threads that run tasks.
///
/// It starts with the first batch. Its queue is bounded by the number of tasks: each task that is suspended
/// here has one piece of work in it. No piece may take long, so the lookups of a large batch come in slices.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor, except for `thread`
/// in `close`, after which no thread is started.
final class CommitThread: @unchecked Sendable {
  private static let name = "kvd-commit"

  private let monitor = Monitor()
  private var waiting: [@Sendable () -> Void] = []
  private var thread: WorkerThread?
  private var isClosing = false

  /// Runs `body` on the thread, in the order of the calls. Throws `.closed` after `close`, and `.io` if the
  /// system refuses to create the thread; the next call tries again.
  func run<R: Sendable>(
    _ body: @escaping @Sendable () throws(StoreError) -> R
  ) async throws(StoreError) -> R {
    let result: Result<R, StoreError> = await withCheckedContinuation { continuation in
      let refusal = add {
        do throws(StoreError) {
          continuation.resume(returning: .success(try body()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
      if let refusal { continuation.resume(returning: .failure(refusal)) }
    }
    return try result.get()
  }

  /// Stops the thread once all queued work is done.
  func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
  }

  /// How many pieces of work are queued, without those that the thread has already taken.
  var waitingCount: Int { monitor.withLock { waiting.count } }

  /// Returns why `work` is not going to be run, or nil if it is.
  private func add(_ work: @escaping @Sendable () -> Void) -> StoreError? {
    monitor.withLock {
      if isClosing { return .closed }
      do throws(IOError) {
        if thread == nil { thread = try WorkerThread(attempting: Self.name) { self.work() } }
      } catch {
        return StoreError(error)
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
