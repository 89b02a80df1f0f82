import Base

/// The threads that sleep until one group of records is done.
///
/// Sound as `@unchecked Sendable`: the variables are touched only inside `monitor`.
final class GroupSleepers: @unchecked Sendable {
  private let monitor = Monitor()
  private var isDone = false
  private var callCount = 0

  /// Returns once the group is done, or when called; also if that was before.
  func sleep() {
    monitor.withLock {
      while !isDone && callCount == 0 { monitor.wait() }
      if !isDone { callCount -= 1 }
    }
  }

  /// Wakes all of them, with one system call.
  func finish() {
    monitor.withLock { isDone = true }
    // Outside of the lock, which those who wake up want.
    monitor.broadcast()
  }

  /// Wakes one of them.
  func callOne() {
    monitor.withLock { callCount += 1 }
    monitor.signal()
  }
}
