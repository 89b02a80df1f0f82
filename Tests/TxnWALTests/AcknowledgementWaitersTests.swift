import Base
import Testing

@testable import TxnWAL

/// Tasks that wait for positions of the log.
@Suite struct AcknowledgementWaitersTests {
  @Test(arguments: [1, 10, 3000])
  func `those up to a position are resumed and no others, in whatever order they came`(
    count: Int
  ) async throws {
    let waiters = AcknowledgementWaiters()
    let listed = Lock(0)
    let resumed = Lock<Set<UInt64>>([])
    await withTaskGroup(of: Void.self) { group in
      for position in (1...UInt64(count)).shuffled() {
        group.addTask {
          do throws(LogError) {
            try await waiters.wait(for: LSN(rawValue: position)) {
              listed.withLock { $0 += 1 }
            }
            resumed.withLock { _ = $0.insert(position) }
          } catch {
            Issue.record("\(error)")
          }
        }
      }
      while listed.withLock({ $0 }) < count { await Task.yield() }
      waiters.resume(upTo: LSN(rawValue: 0))
      #expect(resumed.withLock { $0.isEmpty })
      for bound in [UInt64(count) / 3, UInt64(count) / 2, UInt64(count)] {
        waiters.resume(upTo: LSN(rawValue: bound))
        while resumed.withLock({ $0.count }) < Int(bound) { await Task.yield() }
        #expect(resumed.withLock { $0.max() ?? 0 } == bound)
      }
    }
  }

  @Test func `all of them are told of a failure`() async {
    let waiters = AcknowledgementWaiters()
    let listed = Lock(0)
    await withTaskGroup(of: LogError?.self) { group in
      for position in 1...UInt64(20) {
        group.addTask {
          do throws(LogError) {
            try await waiters.wait(for: LSN(rawValue: position)) {
              listed.withLock { $0 += 1 }
            }
            return nil
          } catch {
            return error
          }
        }
      }
      while listed.withLock({ $0 }) < 20 { await Task.yield() }
      waiters.resume(upTo: LSN(rawValue: 5))
      waiters.resumeAll(throwing: .closed)
      var failures = 0
      for await error in group where error != nil { failures += 1 }
      #expect(failures == 15)
    }
  }
}
