import Base
import TxnWAL

/// The thread on which the batches of tasks are looked up and evaluated. Both may wait, for the disk and for whoever is
/// the sequencer, and the few threads that run tasks must not.
///
/// It starts with the first batch. What waits for it is bounded by the tasks: one piece of work for each that is
/// suspended here. No piece may take long: the look-ups of a batch are many where it is large, and come in slices.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor, but for `thread` in `close`, after
/// which nobody starts one.
final class CommitThread: @unchecked Sendable {
  private static let name = "kvd-commit"

  private let monitor = Monitor()
  private var waiting: [@Sendable () -> Void] = []
  private var thread: WorkerThread?
  private var isClosing = false

  /// Runs `body` on the thread, in the order of the calls. Throws `.closed` after `close`, and `.io` where the system
  /// refuses the thread; the next call tries again.
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

  /// Ends the thread once all that waits is done.
  func close() {
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
  }

  /// How many pieces of work wait, the one under way and those that were taken with it not counted.
  var waitingCount: Int { monitor.withLock { waiting.count } }

  /// Returns why `work` is not going to be done, if it is not.
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
