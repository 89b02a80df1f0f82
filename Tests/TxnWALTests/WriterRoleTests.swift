import Base
import Synchronization
import Testing

@testable import TxnWAL

@Suite struct WriterRoleTests {
  /// Sleeps are short and writers many here, so that every order of taking, gathering, giving up and
  /// falling asleep comes up; a thread that nobody wakes never ends.
  @Test(.timeLimit(.minutes(2)), arguments: [2, 5, 24])
  func `nobody who waits for the role or for a position is left asleep`(threadCount: Int) {
    let role = WriterRole()
    let appended = Atomic<UInt64>(1)
    let acknowledged = Atomic<UInt64>(1)
    let holderCount = Atomic<Int>(0)
    let violations = Atomic<Int>(0)
    @Sendable func write() {
      if holderCount.add(1, ordering: .relaxed).newValue != 1 {
        violations.add(1, ordering: .relaxed)
      }
      let end = appended.load(ordering: .acquiring)
      role.tookGroup(upTo: LSN(rawValue: end))
      acknowledged.store(end, ordering: .releasing)
      holderCount.subtract(1, ordering: .relaxed)
      role.giveUp()
    }
    let threads = (0..<threadCount).map { number in
      WorkerThread(name: "writer-\(number)") {
        for step in 0..<4000 {
          if number == 0, step % 8 == 0 {
            role.take()
            write()
            continue
          }
          let mine = appended.add(1, ordering: .acquiringAndReleasing).newValue
          while acknowledged.load(ordering: .acquiring) < mine {
            if role.tryTake() {
              write()
            } else {
              role.sleep(until: LSN(rawValue: mine)) {
                acknowledged.load(ordering: .acquiring) >= mine
              }
            }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(violations.load(ordering: .relaxed) == 0)
    #expect(acknowledged.load(ordering: .relaxed) == appended.load(ordering: .relaxed))
  }

  @Test func `whoever waits is woken when there is nothing to wait for any more`() {
    let role = WriterRole()
    let isOver = Atomic<Bool>(false)
    #expect(role.tryTake())
    let threads = (0..<4).map { number in
      WorkerThread(name: "waiter-\(number)") {
        while !isOver.load(ordering: .acquiring) {
          role.sleep(until: LSN(rawValue: 8)) { isOver.load(ordering: .acquiring) }
        }
      }
    }
    isOver.store(true, ordering: .releasing)
    role.wakeAll()
    for thread in threads { thread.join() }
    #expect(!role.tryTake())
  }
}
