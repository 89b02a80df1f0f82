import Base
import Synchronization

/// How far the log is durable, for cursors that wait for more.
///
/// No wake-up is lost: a waiter counts itself and then checks the durable mark; the log writer moves the mark and then
/// checks the count. With a full fence between the two steps on both sides, at least one of them sees what the other
/// did.
///
/// Sound as `@unchecked Sendable`: the plain fields are accessed only inside `monitor`.
final class DurableProgress: @unchecked Sendable {
  private let watermarks: Watermarks
  private let monitor = Monitor()
  /// The threads and tasks that wait, or are about to.
  private let waiterCount = Atomic<Int>(0)
  private var tasks: [CheckedContinuation<Void, Never>] = []
  private var endFailure: LogError?
  private let hasEnded = Atomic<Bool>(false)
  private let isClosedFlag = Atomic<Bool>(false)

  init(_ watermarks: Watermarks) { self.watermarks = watermarks }

  /// Everything before this LSN has survived a sync.
  var durable: LSN { watermarks.durable }

  /// Why nothing more becomes durable; nil as long as something may.
  var failure: LogError? {
    hasEnded.load(ordering: .acquiring) ? monitor.withLock { endFailure } : nil
  }

  var isClosed: Bool { isClosedFlag.load(ordering: .acquiring) }

  // MARK: The log writer

  /// The durable mark has moved. A fence and one load if no cursor waits.
  @inline(__always)
  func moved() {
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if waiterCount.load(ordering: .relaxed) > 0 { wake() }
  }

  /// Nothing more becomes durable, because of `failure`. The first failure is kept.
  func end(because failure: LogError) {
    monitor.withLock { endFailure = endFailure ?? failure }
    hasEnded.store(true, ordering: .releasing)
    wake()
  }

  /// The log is closed.
  func close() {
    isClosedFlag.store(true, ordering: .releasing)
    end(because: .closed)
  }

  // MARK: Waiting

  /// Makes all waiters check again whether to wait.
  func wake() {
    let resumed = monitor.withLock {
      defer { tasks = [] }
      return tasks
    }
    // After releasing the lock, because the threads that wake need it.
    monitor.broadcast()
    for task in resumed { task.resume() }
  }

  /// Blocks until more than `lsn` is durable, nothing more will be, or `isOver` returns true. Returns false if
  /// `deadline`, a reading of `MonotonicTime`, passes first; nil waits forever.
  ///
  /// - Parameter isOver: called inside the monitor. Code that makes it true must call `wake` afterwards.
  func wait(past lsn: LSN, until deadline: Duration?, unless isOver: () -> Bool) -> Bool {
    beginWaiting()
    defer { endWaiting() }
    return monitor.withLock {
      while !isReady(past: lsn), !isOver() {
        guard let deadline else {
          monitor.wait()
          continue
        }
        let left = deadline - MonotonicTime.now
        if left <= .zero { return false }
        // Rounded up, to not wake just before the deadline.
        monitor.wait(milliseconds: Int(min(left, Self.longestSleep) / .milliseconds(1)) + 1)
      }
      return true
    }
  }

  private static let longestSleep = Duration.seconds(3600)

  /// The same for a task, which is suspended. May return early.
  func suspend(past lsn: LSN, unless isOver: @Sendable () -> Bool) async {
    beginWaiting()
    defer { endWaiting() }
    await withCheckedContinuation { continuation in
      let mustWait = monitor.withLock {
        if isReady(past: lsn) || isOver() { return false }
        tasks.append(continuation)
        return true
      }
      if !mustWait { continuation.resume() }
    }
  }

  private func isReady(past lsn: LSN) -> Bool {
    durable > lsn || hasEnded.load(ordering: .acquiring)
  }

  private func beginWaiting() {
    waiterCount.add(1, ordering: .sequentiallyConsistent)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
  }

  private func endWaiting() { waiterCount.subtract(1, ordering: .relaxed) }
}
