import Base

/// Counts the bytes of log that recovery has in memory: all windows that a reader created and that are still
/// referenced.
///
/// Sound as `@unchecked Sendable`: the fields are accessed only inside the monitor.
final class WindowMemoryBudget: @unchecked Sendable {
  private let monitor = Monitor()
  private var byteCount = 0
  private var peakByteCount = 0

  /// The maximum number of bytes held at one time.
  var peak: Int { monitor.withLock { peakByteCount } }

  func add(_ count: Int) {
    monitor.withLock {
      byteCount += count
      peakByteCount = max(peakByteCount, byteCount)
    }
  }

  func remove(_ count: Int) {
    monitor.withLock {
      byteCount -= count
      monitor.broadcast()
    }
  }

  func exceeds(_ limit: Int) -> Bool { monitor.withLock { byteCount > limit } }

  /// Blocks until at most `limit` bytes are held. The holders of the rest must be about to release them.
  func wait(until limit: Int) {
    monitor.withLock { while byteCount > limit { monitor.wait() } }
  }
}
