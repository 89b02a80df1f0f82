import Base

/// Admits one thread at a time to LMDB's writer lock, so that no thread ever waits for that lock itself: an
/// abandoned write transaction holds it forever, and a thread that waited for it would never return.
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
