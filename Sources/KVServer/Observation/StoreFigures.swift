import Base
import KVStore
import Synchronization

/// A store in numbers, for INFO, MEMORY STATS and KV.STATS.
///
/// All are those of the moment but two, which may take long to make (`Figure`): the number of keys is counted over all of
/// those in memory, and the free pages over LMDB's lists of them, which may have to be read from the disk. DBSIZE always
/// counts, and so does `Store.statistics`.
final class StoreFigures: Sendable {
  /// A few milliseconds.
  private static let stepCount = 1 << 15

  private let freePageCount = Figure<Int>()
  private let keyCount = Figure<Int>()
  private let isFinishing = Atomic<Bool>(false)
  /// Held by the thread that makes figures while no event loop waits.
  private let working = Lock(())

  func statistics(of store: Store) throws(StoreError) -> Statistics {
    var statistics = try store.statistics(countsFreePages: false)
    statistics.freePageCount = try freePageCount.value { () throws(StoreError) in
      .init(value: try store.freePageCount())
    }
    return statistics
  }

  /// Where counting takes longer than an event loop should, and nobody has counted yet, an upper bound; and so in an
  /// evaluation, which all writers wait for.
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

  /// Computes those again that were asked for and take long; on a thread that nobody waits for. Ends early if `stops` says so.
  func renew(_ store: Store, stops: @escaping @Sendable () -> Bool) {
    working.withLock { _ in
      guard !isFinishing.load(ordering: .acquiring) else { return }
      // What is wrong with the store is told elsewhere; the last figures stay.
      do throws(StoreError) {
        try freePageCount.renewIfAsked { () throws(StoreError) in
          .init(value: try store.freePageCount())
        }
        try keyCount.renewIfAsked { () throws(StoreError) in try self.count(store, stops: stops) }
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

  /// Returns when nothing is made any more; the store may then be closed.
  func finish() {
    isFinishing.store(true, ordering: .releasing)
    working.withLock { _ in }
  }
}
