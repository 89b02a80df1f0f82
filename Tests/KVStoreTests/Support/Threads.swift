import Base
import Synchronization

/// Runs `body` on `count` threads of their own, waits for all, and throws the first thing one threw.
func inThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
  let failure = FirstFailure()
  let threads = (0..<count).map { index in
    WorkerThread(name: "test-\(index)") {
      do { try body(index) } catch { failure.note(error) }
    }
  }
  for thread in threads { thread.join() }
  try failure.check()
}

final class FirstFailure: Sendable {
  private let error = Lock<(any Error)?>(nil)

  func note(_ new: any Error) {
    error.withLock { if $0 == nil { $0 = new } }
  }

  func check() throws {
    if let error = error.withLock({ $0 }) { throw error }
  }
}

/// A flag that one thread raises for others.
final class Flag: Sendable {
  private let state = Atomic<Bool>(false)

  var isRaised: Bool { state.load(ordering: .acquiring) }

  func raise() { state.store(true, ordering: .releasing) }
}
