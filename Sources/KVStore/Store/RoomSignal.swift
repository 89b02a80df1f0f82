import Synchronization
import TxnWAL

/// Wakes callers that wait for room in memory or in the log. Costs nothing while nobody does.
final class RoomSignal: Sendable {
  private let monitor = Monitor()
  private let waiterCount = Atomic<Int>(0)

  func tell() {
    if waiterCount.load(ordering: .sequentiallyConsistent) > 0 {
      monitor.withLock { monitor.broadcast() }
    }
  }

  /// Returns once `isThere` says so. Asked again whenever told, and now and then besides.
  func wait(until isThere: () throws(StoreError) -> Bool) throws(StoreError) {
    if try isThere() { return }
    waiterCount.add(1, ordering: .sequentiallyConsistent)
    defer { waiterCount.subtract(1, ordering: .sequentiallyConsistent) }
    while try !isThere() {
      // The answer may have changed between the question and the sleep; the time-out covers that.
      monitor.withLock { monitor.wait(milliseconds: 20) }
    }
  }
}
