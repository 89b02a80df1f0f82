import Base
import Glibc
import Synchronization

/// The clients of one round, each on a thread of its own.
final class Crew {
  private final class Histories: Sendable {
    let all = Lock<[Operation]>([])
    let refused = Atomic<Int>(0)
  }

  private let histories = Histories()
  private var threads: [pthread_t] = []

  func start(_ plan: Client.Plan) {
    let histories = histories
    threads.append(
      System.startThread {
        guard let client = Client(plan) else { return }
        client.run()
        let history = client.history
        histories.all.withLock { $0 += history }
        histories.refused.add(client.refusedCount, ordering: .relaxed)
      })
  }

  /// How often there was no room for a write.
  var refusedCount: Int { histories.refused.load(ordering: .relaxed) }

  /// Waits for all of them; what they did.
  func join() -> [Operation] {
    for thread in threads { System.join(thread) }
    threads = []
    return histories.all.withLock { $0 }
  }
}
