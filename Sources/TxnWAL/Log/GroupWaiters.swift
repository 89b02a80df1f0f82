import Base

/// The threads that sleep until one group of records is done.
///
/// Sound as `@unchecked Sendable`: the fields are accessed only inside `monitor`.
final class GroupWaiters: @unchecked Sendable {
  private let monitor = Monitor()
  private var isDone = false
  private var callCount = 0

  /// Returns once the group is done or one call is received, including a call made earlier.
  func sleep() {
    monitor.withLock {
      while !isDone && callCount == 0 { monitor.wait() }
      if !isDone { callCount -= 1 }
    }
  }

  /// Wakes all sleepers, with one system call.
  func finish() {
    monitor.withLock { isDone = true }
    // After releasing the lock, because the threads that wake need it.
    monitor.broadcast()
  }

  /// Wakes one sleeper.
  func callOne() {
    monitor.withLock { callCount += 1 }
    monitor.signal()
  }
}
