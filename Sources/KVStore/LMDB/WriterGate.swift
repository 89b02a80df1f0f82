import Base

/// Lets one thread at a time at LMDB's writer lock, so that nobody ever waits for that itself: a write
/// transaction that had to be abandoned holds it for good, and who came next would never return.
final class WriterGate: Sendable {
  private let monitor = Monitor()
  private let state = Lock(false)

  /// Waits until no other writer is inside.
  func enter() {
    monitor.withLock {
      while isTaken() { monitor.wait() }
    }
  }

  func leave() {
    monitor.withLock {
      state.withLock { $0 = false }
      monitor.signal()
    }
  }

  private func isTaken() -> Bool {
    state.withLock { isInside in
      defer { isInside = true }
      return isInside
    }
  }
}
