import Base
import Synchronization

/// The partitions whose files found no room at the last try, when each is tried again, and the error that tells
/// others of it as long as there is one.
final class DiskShortage: Sendable {
  private struct State {
    var retries: [Int: FullDiskRetry] = [:]
    var error: StoreError?
  }

  private let state = Lock(State())
  private let hasError = Atomic<Bool>(false)

  /// Nil while there is none. Costs next to nothing then.
  var error: StoreError? { isThere ? state.withLock { $0.error } : nil }

  /// Whether there is one.
  var isThere: Bool { hasError.load(ordering: .acquiring) }

  func mayTry(_ partition: Int, at now: Duration, available: @autoclosure () -> UInt64) -> Bool {
    guard isThere, let retry = state.withLock({ $0.retries[partition] }) else { return true }
    return retry.mayTry(at: now, available: available())
  }

  /// `partition` has found no room, and left `available` bytes. Returns whether it is the only one.
  func failed(
    _ partition: Int, because error: StoreError, at now: Duration, available: UInt64
  ) -> Bool {
    state.withLock { state in
      defer { hasError.store(true, ordering: .releasing) }
      let isFirst = state.retries.isEmpty
      state.retries[partition, default: FullDiskRetry()].failed(at: now, available: available)
      state.error = error
      return isFirst
    }
  }

  /// All may try again at once: there may be room.
  func retryNow() {
    guard isThere else { return }
    state.withLock { state in
      for partition in state.retries.keys { state.retries[partition] = FullDiskRetry() }
    }
  }

  /// `partition` has found room, or needs none.
  func ended(_ partition: Int) {
    guard isThere else { return }
    state.withLock { state in
      state.retries[partition] = nil
      guard state.retries.isEmpty else { return }
      state.error = nil
      hasError.store(false, ordering: .releasing)
    }
  }
}
