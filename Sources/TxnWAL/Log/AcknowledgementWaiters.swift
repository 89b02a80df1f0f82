import Base

/// Tasks waiting for a log position to be acknowledged, ordered by position. So acknowledging a group touches only
/// the first of them, and adding a task touches no other.
final class AcknowledgementWaiters: Sendable {
  private struct Waiter {
    let lsn: LSN
    let continuation: CheckedContinuation<LogError?, Never>
  }

  /// Waiters before `head` have been resumed.
  private struct Queue {
    private var waiters: [Waiter?] = []
    private var head = 0

    /// O(1) for the greatest position so far, which is the usual case; O(n) otherwise.
    mutating func insert(_ waiter: Waiter) {
      var place = waiters.count
      while place > head, let before = waiters[place - 1], before.lsn > waiter.lsn { place -= 1 }
      waiters.insert(waiter, at: place)
    }

    /// O(taken), amortised.
    mutating func take(upTo lsn: LSN?) -> [Waiter] {
      var taken: [Waiter] = []
      while head < waiters.count, let first = waiters[head], lsn.map({ first.lsn <= $0 }) ?? true {
        taken.append(first)
        waiters[head] = nil
        head += 1
      }
      if head == waiters.count {
        waiters.removeAll(keepingCapacity: waiters.count <= Self.keptCount)
        head = 0
      } else if head >= Self.keptCount, head >= waiters.count / 2 {
        waiters.removeFirst(head)
        head = 0
      }
      return taken
    }

    private static let keptCount = 1024
  }

  private let queue = Lock(Queue())

  /// Suspends until `lsn` is acknowledged. `whenListed` runs once the waiter is listed and cannot be missed.
  func wait(for lsn: LSN, whenListed: () -> Void) async throws(LogError) {
    let failure: LogError? = await withCheckedContinuation { continuation in
      queue.withLock { $0.insert(Waiter(lsn: lsn, continuation: continuation)) }
      whenListed()
    }
    if let failure { throw failure }
  }

  /// Resumes the waiters at positions up to and including `lsn`. O(1) if there are none.
  func resume(upTo lsn: LSN) {
    for waiter in queue.withLock({ $0.take(upTo: lsn) }) {
      waiter.continuation.resume(returning: nil)
    }
  }

  func resumeAll(throwing error: LogError) {
    for waiter in queue.withLock({ $0.take(upTo: nil) }) {
      waiter.continuation.resume(returning: error)
    }
  }
}
