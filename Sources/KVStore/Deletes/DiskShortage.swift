import Base
import Synchronization

/// The partitions whose files found no disk space at the last attempt: when to retry each, and the error to
/// report while there are any.
final class DiskShortage: Sendable {
  private struct State {
    var retries: [Int: FullDiskRetry] = [:]
    var error: StoreError?
  }

  private let state = Lock(State())
  private let hasError = Atomic<Bool>(false)

  /// The error to report; nil without a shortage, at the cost of one atomic load.
  var error: StoreError? { isThere ? state.withLock { $0.error } : nil }

  /// Whether a partition is short of space.
  var isThere: Bool { hasError.load(ordering: .acquiring) }

  func mayTry(_ partition: Int, at now: Duration, available: @autoclosure () -> UInt64) -> Bool {
    guard isThere, let retry = state.withLock({ $0.retries[partition] }) else { return true }
    return retry.mayTry(at: now, available: available())
  }

  /// Records that `partition` found no space, with `available` bytes free. Returns whether no partition was
  /// short of space before.
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

  /// Lets all partitions try again at once, because there may be space.
  func retryNow() {
    guard isThere else { return }
    state.withLock { state in
      for partition in state.retries.keys { state.retries[partition] = FullDiskRetry() }
    }
  }

  /// Records that `partition` found space, or needs none.
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
