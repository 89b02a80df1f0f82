import Base

/// Holds syncs back until a test lets them pass, so that what happens meanwhile is no matter of luck.
///
/// Sound as `@unchecked Sendable`: the fields are touched only inside the monitor.
package final class SyncGate: @unchecked Sendable {
  private let monitor = Monitor()
  private var isHeld = false
  private var waitingCount = 0

  package func hold() {
    monitor.withLock { isHeld = true }
  }

  package func release() {
    monitor.withLock {
      isHeld = false
      monitor.broadcast()
    }
  }

  /// Returns once a sync stands before the gate.
  package func waitForSync() {
    monitor.withLock { while waitingCount == 0 { monitor.wait() } }
  }

  package func pass() {
    monitor.withLock {
      waitingCount += 1
      monitor.broadcast()
      while isHeld { monitor.wait() }
      waitingCount -= 1
    }
  }
}
