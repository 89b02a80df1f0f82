import Base
import KVStore
import Synchronization

/// The thread that removes what range deletes left of maps; see `OrphanRemoval`.
///
/// The remains cannot be read any more, so the worker need not hurry: other writers run between portions. As long
/// as the store notes no orphans, the worker checks one flag, ten times a second.
///
/// Sound as `@unchecked Sendable`: the plain fields are accessed only inside the monitor, and `thread` only by the
/// owner that starts and closes the worker.
public final class OrphanWorker: @unchecked Sendable {
  private static let idleMilliseconds = 100
  /// The pause after a refusal, for example because of a full disk.
  private static let refusedMilliseconds = 1000

  private let store: Store
  private let failed: @Sendable (StoreError) -> Void
  private let monitor = Monitor()
  private var thread: WorkerThread?
  private var isClosing = false
  private let removed = Atomic<UInt64>(0)

  /// - Parameter failed: called on the worker's thread with the reason why nothing can be removed at the moment. The
  ///   worker retries.
  public init(store: Store, failed: @escaping @Sendable (StoreError) -> Void = { _ in }) {
    self.store = store
    self.failed = failed
  }

  /// Starts the thread. Call once.
  public func start() {
    thread = WorkerThread(name: "kvd-orphans") { self.run() }
  }

  /// Stops the thread after the current portion. Call before the store is closed.
  public func close() {
    store.requireOutsideEvaluation()
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
    thread = nil
  }

  /// The number of maps whose fields were removed.
  public var removedCount: UInt64 { removed.load(ordering: .relaxed) }

  private func run() {
    let reader = store.makeReader()
    defer { reader.close() }
    var removal = OrphanRemoval(store)
    var mustWalk = false
    var isRefused = false
    var pause = 0
    while waits(milliseconds: pause) {
      pause = Self.idleMilliseconds
      mustWalk = store.takeOrphanSignal() || mustWalk
      guard mustWalk else { continue }
      do throws(StoreError) {
        switch try removal.removePortion(reader, isWanted: { !isStopped }) {
        case .more: pause = 0
        case .atEnd: mustWalk = false
        case .mustWait: break
        }
        removed.store(removal.mapCount, ordering: .relaxed)
        isRefused = false
      } catch .cancelled {
        // The worker is being closed.
      } catch {
        // Reported once per series of refusals.
        if !isRefused { failed(error) }
        isRefused = true
        pause = Self.refusedMilliseconds
      }
      reader.end()
    }
  }

  private var isStopped: Bool { monitor.withLock { isClosing } }

  /// Returns false once the worker must stop.
  private func waits(milliseconds: Int) -> Bool {
    monitor.withLock {
      if !isClosing, milliseconds > 0 { monitor.wait(milliseconds: milliseconds) }
      return !isClosing
    }
  }
}
