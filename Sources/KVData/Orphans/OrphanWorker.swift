import Base
import KVStore
import Synchronization

/// The thread that removes what range deletes have left of maps: see `OrphanRemoval`.
///
/// Nothing can be read of it any more, so the worker is never in a hurry: between portions all others have their
/// turn. While the store notes no orphans it looks at one flag, ten times a second.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor, `thread` by whoever
/// starts and closes the worker.
public final class OrphanWorker: @unchecked Sendable {
  private static let idleMilliseconds = 100
  /// After a refusal, as of a full disk.
  private static let refusedMilliseconds = 1000

  private let store: Store
  private let failed: @Sendable (StoreError) -> Void
  private let monitor = Monitor()
  private var thread: WorkerThread?
  private var isClosing = false
  private let removed = Atomic<UInt64>(0)

  /// - Parameter failed: is told why nothing can be removed for the moment, from the worker's thread; the
  ///   worker tries again.
  public init(store: Store, failed: @escaping @Sendable (StoreError) -> Void = { _ in }) {
    self.store = store
    self.failed = failed
  }

  /// Starts the thread. To be called once.
  public func start() {
    thread = WorkerThread(name: "kvd-orphans") { self.run() }
  }

  /// Ends the thread after the portion that is under way. To be called before the store is closed.
  public func close() {
    store.requireOutsideEvaluation()
    monitor.withLock {
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
    thread = nil
  }

  /// How many maps it has removed the fields of.
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
        // The thread is to end.
      } catch {
        // Once for each stretch of refusals.
        if !isRefused { failed(error) }
        isRefused = true
        pause = Self.refusedMilliseconds
      }
      reader.end()
    }
  }

  private var isStopped: Bool { monitor.withLock { isClosing } }

  /// False when the worker is to end.
  private func waits(milliseconds: Int) -> Bool {
    monitor.withLock {
      if !isClosing, milliseconds > 0 { monitor.wait(milliseconds: milliseconds) }
      return !isClosing
    }
  }
}
