import Base
import Testing

/// Work that tasks have done on a thread of its own.
@Suite(.timeLimit(.minutes(3))) struct TaskThreadTests {
  private enum Failure: Error, Equatable {
    case refused
    case number(Int)
  }

  private static func run(
    _ thread: TaskThread, _ body: @escaping @Sendable () throws(Failure) -> Int
  ) async -> Result<Int, Failure> {
    do throws(Failure) {
      return .success(try await thread.run(body, ifRefused: { _ in .refused }))
    } catch {
      return .failure(error)
    }
  }

  @Test func `a task gets the result of its work, or its error`() async {
    let thread = TaskThread(name: "test")
    #expect(await Self.run(thread) { 7 } == .success(7))
    #expect(
      await Self.run(thread) { () throws(Failure) in throw .number(8) } == .failure(.number(8)))
    thread.close()
  }

  @Test func `work runs in order, one piece at a time, and what is queued before a close is done`()
    async
  {
    let thread = TaskThread(name: "test")
    let order = Lock<[Int]>([])
    let blocker = Monitor()
    let isRunning = Lock(false)
    let isOpen = Lock(false)
    async let first = Self.run(thread) {
      isRunning.withLock { $0 = true }
      blocker.withLock { while !isOpen.withLock({ $0 }) { blocker.wait() } }
      order.withLock { $0.append(0) }
      return 0
    }
    while !isRunning.withLock({ $0 }) { await Task.yield() }
    let others = (1...20).map { number in
      Task {
        await Self.run(thread) {
          order.withLock { $0.append(number) }
          return number
        }
      }
    }
    while thread.waitingCount < 20 { await Task.yield() }
    isOpen.withLock { $0 = true }
    blocker.withLock { blocker.broadcast() }
    thread.close()
    #expect(await first == .success(0))
    for (index, task) in others.enumerated() {
      #expect(await task.value == .success(index + 1))
    }
    #expect(order.withLock { $0 }.first == 0)
    #expect(order.withLock { $0.sorted() } == Array(0...20))
  }

  @Test func `after a close work is refused`() async {
    let thread = TaskThread(name: "test")
    thread.close()
    #expect(await Self.run(thread) { 1 } == .failure(.refused))
  }
}
