import Base
import KVStore
import Synchronization

/// Statistics of a store, for INFO, MEMORY STATS and KV.STATS.
///
/// All are current except two that may be slow to compute (`Figure`): the number of keys, which walks all
/// keys in memory, and the number of free pages, which walks LMDB's free lists and may read them from disk.
/// DBSIZE and `Store.statistics` always count.
final class StoreFigures: Sendable {
  /// Takes a few milliseconds.
  private static let stepCount = 1 << 15

  private let freePageCount = Figure<Int>()
  private let keyCount = Figure<Int>()
  private let isFinishing = Atomic<Bool>(false)
  /// Held by the background thread while it computes.
  private let working = Lock(())

  func statistics(of store: Store) throws(StoreError) -> Statistics {
    var statistics = try store.statistics(countsFreePages: false)
    statistics.freePageCount = try freePageCount.value { () throws(StoreError) in
      .init(value: try store.freePageCount())
    }
    return statistics
  }

  /// An upper bound if counting takes longer than an event loop may spend and there is no count yet; also
  /// inside an evaluation, because all writers wait for it.
  func keyCount(_ reader: Reader) throws(StoreError) -> Int {
    if reader.pace.isEvaluating { return try reader.estimateEntries() }
    return try keyCount.value { () throws(StoreError) in
      reader.pace.limit(to: Self.stepCount)
      defer { reader.pace.lift() }
      do throws(StoreError) {
        return .init(value: try reader.countEntries())
      } catch .walkStopped {
        return .init(value: try reader.estimateEntries(), isEstimate: true)
      }
    }
  }

  /// Recomputes what was requested and is slow. For a background thread. Stops early once `stops` returns
  /// true.
  func renew(_ store: Store, stops: @escaping @Sendable () -> Bool) {
    working.withLock { _ in
      guard !isFinishing.load(ordering: .acquiring) else { return }
      // Errors of the store are reported elsewhere; the last values are kept.
      do throws(StoreError) {
        try freePageCount.refreshIfRequested { () throws(StoreError) in
          .init(value: try store.freePageCount())
        }
        try keyCount.refreshIfRequested { () throws(StoreError) in
          try self.count(store, stops: stops)
        }
      } catch {}
    }
  }

  private func count(
    _ store: Store, stops: @escaping @Sendable () -> Bool
  ) throws(StoreError) -> Figure<Int>.Made {
    let reader = store.makeReader()
    defer { reader.close() }
    reader.pace.stop { stops() || self.isFinishing.load(ordering: .relaxed) }
    return .init(value: try reader.countEntries())
  }

  /// Returns once nothing is being computed; the store may then be closed.
  func finish() {
    isFinishing.store(true, ordering: .releasing)
    working.withLock { _ in }
  }
}
