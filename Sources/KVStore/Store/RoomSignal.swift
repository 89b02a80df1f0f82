import Base
import Synchronization

/// Wakes callers that wait for room in memory or in the log. Costs next to nothing while nobody does.
///
/// No wake-up is lost: a caller is counted before it looks for room, and whoever makes room looks for callers
/// after that, with a fence between the two on either side.
final class RoomSignal: Sendable {
  private struct Suspended {
    /// How often it was told.
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

  /// Returns once `isThere` says so. Asked again whenever told, and now and then besides.
  func wait(until isThere: () throws(StoreError) -> Bool) throws(StoreError) {
    if try isThere() { return }
    beginWaiting()
    defer { endWaiting() }
    while try !isThere() {
      // The answer may have changed between the question and the sleep; the time-out covers that.
      monitor.withLock { monitor.wait(milliseconds: 20) }
    }
  }

  /// The same without holding a thread. Throws `.cancelled` once the task is cancelled.
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
        // Cancelled before it was listed, its handler has found nothing to resume.
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
