import Base

/// The bytes of the log that recovery has in memory: all windows that a reader made and somebody still holds.
///
/// Sound as `@unchecked Sendable`: the fields are touched only inside the monitor.
final class WindowAccount: @unchecked Sendable {
  private let monitor = Monitor()
  private var byteCount = 0
  private var peakByteCount = 0

  /// The most that there was at a time.
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

  /// Returns once no more than `limit` bytes are held. Whoever holds the others must be about to let go of them.
  func wait(until limit: Int) {
    monitor.withLock { while byteCount > limit { monitor.wait() } }
  }
}
