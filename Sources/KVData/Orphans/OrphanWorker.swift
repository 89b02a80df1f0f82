import Base
import KVStore
import Synchronization

/// The thread that removes what range deletes left of maps; see `OrphanRemoval`.
///
/// The remains cannot be read any more, so the worker need not hurry: other writers run between portions. As long
/// as the store notes no orphans, the worker checks one flag, ten times a second.
public final class OrphanWorker: Sendable {
  private let store: Store
  private let loop: RemovalLoop
  private let removed = Atomic<UInt64>(0)

  /// - Parameter failed: called on the worker's thread with the reason why nothing can be removed at the moment. The
  ///   worker retries.
  public init(store: Store, failed: @escaping @Sendable (StoreError) -> Void = { _ in }) {
    self.store = store
    loop = RemovalLoop(store, failed: failed)
  }

  /// Starts the thread. Call once.
  public func start() { loop.start("kvd-orphans") { self.run() } }

  /// Stops the thread after the current portion. Call before the store is closed.
  public func close() { loop.close() }

  /// The number of maps whose fields were removed.
  public var removedCount: UInt64 { removed.load(ordering: .relaxed) }

  private func run() {
    let reader = store.makeReader()
    defer { reader.close() }
    var removal = OrphanRemoval(store)
    var mustWalk = false
    loop.run { () throws(StoreError) in
      mustWalk = store.takeOrphanSignal() || mustWalk
      guard mustWalk else { return .idle }
      defer { reader.end() }
      let progress = try removal.removePortion(reader, isWanted: { !loop.isStopped })
      removed.store(removal.mapCount, ordering: .relaxed)
      if progress == .atEnd { mustWalk = false }
      return progress == .more ? .more : .idle
    }
  }
}
