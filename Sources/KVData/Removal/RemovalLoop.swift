import Base
import KVStore

/// The loop of a thread that removes, a chunk at a time, entries that no reader can see any more. There is no hurry:
/// other writers run between chunks.
///
/// Sound as `@unchecked Sendable`: `isClosing` is accessed only inside the monitor, and `thread` only by the owner
/// that starts and closes the loop.
final class RemovalLoop: @unchecked Sendable {
  /// What a step leaves to do.
  enum Progress {
    /// More can be removed at once.
    case more
    /// Nothing can be removed until later.
    case idle
  }

  private static let idleMilliseconds = 100
  /// The pause after a refusal, for example because of a full disk.
  static let refusedMilliseconds = 1000

  private let store: Store
  private let failed: @Sendable (StoreError) -> Void
  private let monitor = Monitor()
  private var thread: WorkerThread?
  private var isClosing = false

  /// - Parameter failed: called on the loop's thread, once per series of refusals, with the reason why nothing can be
  ///   removed at the moment. The loop retries.
  init(_ store: Store, failed: @escaping @Sendable (StoreError) -> Void) {
    self.store = store
    self.failed = failed
  }

  /// Starts a thread called `name` that runs `body`, which calls `run`. Call once.
  func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
    thread = WorkerThread(name: name, body)
  }

  /// Stops the thread after the current chunk, or at once if that chunk waits for room. Call before the store is
  /// closed.
  func close() {
    store.requireOutsideEvaluation()
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
    thread = nil
  }

  var isStopped: Bool { monitor.withLock { isClosing } }

  /// Calls `step` until the loop is closed, with pauses while there is nothing to remove.
  func run(_ step: () throws(StoreError) -> Progress) {
    var isRefused = false
    var pause = 0
    repeat {
      pause = Self.idleMilliseconds
      do throws(StoreError) {
        if try step() == .more { pause = 0 }
        isRefused = false
      } catch .cancelled {
        // The loop is being closed.
      } catch {
        if !isRefused { failed(error) }
        isRefused = true
        pause = Self.refusedMilliseconds
      }
    } while waits(milliseconds: pause)
  }

  /// Returns false once the loop must end.
  private func waits(milliseconds: Int) -> Bool {
    monitor.withLock {
      if !isClosing, milliseconds > 0 { monitor.wait(milliseconds: milliseconds) }
      return !isClosing
    }
  }
}
