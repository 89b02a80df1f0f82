import Base

/// Tasks that wait for a position to be acknowledged, in no order: there are never more of them than
/// batches under way.
final class AcknowledgementWaiters: Sendable {
  private struct Waiter {
    let lsn: LSN
    let continuation: CheckedContinuation<LogError?, Never>
  }

  private let waiters = Lock<[Waiter]>([])

  /// Suspends until `lsn` is acknowledged. `whenListed` runs once the waiter cannot be missed.
  func wait(for lsn: LSN, whenListed: () -> Void) async throws(LogError) {
    let failure: LogError? = await withCheckedContinuation { continuation in
      waiters.withLock { $0.append(Waiter(lsn: lsn, continuation: continuation)) }
      whenListed()
    }
    if let failure { throw failure }
  }

  /// Resumes those whose position lies before `lsn` or at it. O(waiters).
  func resume(upTo lsn: LSN) {
    let ready = waiters.withLock { waiters in
      let ready = waiters.filter { $0.lsn <= lsn }
      if !ready.isEmpty { waiters.removeAll { $0.lsn <= lsn } }
      return ready
    }
    for waiter in ready { waiter.continuation.resume(returning: nil) }
  }

  func resumeAll(throwing error: LogError) {
    let all = waiters.withLock { waiters in
      defer { waiters = [] }
      return waiters
    }
    for waiter in all { waiter.continuation.resume(returning: error) }
  }
}
