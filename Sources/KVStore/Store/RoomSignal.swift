import Base
import Synchronization

/// Wakes callers that wait for room in memory or in the log. Costs almost nothing while there are none.
///
/// No wake-up is lost: a waiter is counted before it checks for room, and a thread that makes room checks for
/// waiters afterwards, with a fence between the two steps on either side.
final class RoomSignal: Sendable {
  private struct Suspended {
    /// How often waiters were notified.
    var tellCount: UInt64 = 0
    var nextID: UInt64 = 0
    var tasks: [UInt64: CheckedContinuation<Void, Never>] = [:]
  }

  private let monitor = Monitor()
  private let suspended = Lock(Suspended())
  private let waiterCount = Atomic<Int>(0)

  func tell() {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    guard waiterCount.load(ordering: .relaxed) > 0 else { return }
    monitor.withLock { monitor.broadcast() }
    let tasks = suspended.withLock { suspended in
      defer { suspended.tasks = [:] }
      suspended.tellCount += 1
      return suspended.tasks.map(\.value)
    }
    for task in tasks { task.resume() }
  }

  /// Returns once `isThere` returns true. It is called after each notification, and at least every 20 ms.
  func wait(until isThere: () throws(StoreError) -> Bool) throws(StoreError) {
    if try isThere() { return }
    beginWaiting()
    defer { endWaiting() }
    while try !isThere() {
      // The answer may change between the check and the sleep; the time-out covers that.
      monitor.withLock { monitor.wait(milliseconds: 20) }
    }
  }

  /// Returns once `isThere` returns true, without blocking a thread. It is called after each notification.
  /// Throws `.cancelled` once the task is cancelled.
  func waitSuspended(until isThere: () throws(StoreError) -> Bool) async throws(StoreError) {
    if Task.isCancelled { throw .cancelled }
    if try isThere() { return }
    beginWaiting()
    defer { endWaiting() }
    while true {
      let (seen, id) = suspended.withLock { suspended in
        suspended.nextID += 1
        return (suspended.tellCount, suspended.nextID)
      }
      if try isThere() { return }
      await suspend(id, unlessToldSince: seen)
      if Task.isCancelled { throw .cancelled }
    }
  }

  private func beginWaiting() {
    waiterCount.add(1, ordering: .relaxed)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  private func endWaiting() { waiterCount.subtract(1, ordering: .relaxed) }

  private func suspend(_ id: UInt64, unlessToldSince seen: UInt64) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isTold = suspended.withLock { suspended in
          if suspended.tellCount == seen { suspended.tasks[id] = continuation }
          return suspended.tellCount != seen
        }
        if isTold { return continuation.resume() }
        // If the task was cancelled before it was listed, the handler found nothing to resume.
        if Task.isCancelled { resume(id) }
      }
    } onCancel: {
      resume(id)
    }
  }

  private func resume(_ id: UInt64) {
    suspended.withLock { $0.tasks.removeValue(forKey: id) }?.resume()
  }
}
