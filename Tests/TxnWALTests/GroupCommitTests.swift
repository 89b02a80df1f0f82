import Base
import Synchronization
import Testing

@testable import TxnWAL

@Suite struct GroupCommitTests {
  @Test func `transactions that come while a group is synced share the next sync`() throws {
    let log = try TestLog.open()
    log.device.gate.hold()
    let first = WorkerThread(name: "first") { _ = try? log.commit(Part(0, "first")) }
    log.device.gate.waitForSync()
    let before = log.device.logSyncCount
    let ends = try (0..<31).map { try log.append([Part($0 % 3, "later \($0)")]).end }
    let waiting = ends.map { end in
      WorkerThread(name: "waiter") { try? log.coordinator.waitUntilAcknowledged(end) }
    }
    log.device.gate.release()
    for thread in waiting + [first] { thread.join() }
    // One for the first group, one for all others.
    #expect(log.device.logSyncCount - before == 2)
    #expect(log.watermarks.acknowledged >= ends.last!)
    #expect(log.watermarks.published == 32)
    log.abandon()
  }

  @Test func `many threads commit, each is acknowledged only when its record is durable`() throws {
    let log = try TestLog.open(segmentByteCount: 64 << 10)
    let geometry = log.coordinator.geometry
    let failures = Lock<[String]>([])
    let threads = (0..<8).map { thread in
      WorkerThread(name: "commit-\(thread)") {
        for index in 0..<40 {
          do {
            let parts =
              index % 3 == 0
              ? [Part(thread % 3, "\(thread).\(index)"), Part((thread + 1) % 3, "twin")]
              : [Part(thread % 3, "\(thread).\(index)")]
            let before = log.coordinator.sequence { $0.appended }
            let position = try log.append(parts)
            if index % 5 == 0 {
              _ = try log.coordinator.syncIfIdle()
            }
            try log.coordinator.waitUntilAcknowledged(position.end)
            let durable = log.device.isDurable(before..<position.end, geometry)
            let published = log.watermarks.published
            if !durable || published < position.sequence {
              failures.withLock { $0.append("\(position): \(durable), \(published)") }
            }
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    let after = try log.crash(.loses)
    #expect(after.entries.keys.sorted() == Array(1...320))
    #expect(after.report.lastSequence == 320)
    after.abandon()
  }

  @Test func `tasks are resumed once their record is durable`() async throws {
    let log = try TestLog.open(segmentByteCount: 64 << 10)
    let geometry = log.coordinator.geometry
    let durable = try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<100 {
        group.addTask {
          let before = log.coordinator.sequence { $0.appended }
          let position = try log.append([Part(index % 3, "\(index)")])
          try await log.coordinator.acknowledged(position.end)
          return log.device.isDurable(before..<position.end, geometry)
            && log.watermarks.published >= position.sequence
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(durable == [Bool](repeating: true, count: 100))
    log.abandon()
  }

  @Test func `durable never passes acknowledged, nor acknowledged appended`() throws {
    let log = try TestLog.open(segmentByteCount: 64 << 10)
    let isDone = Atomic<Bool>(false)
    let failures = Lock<[String]>([])
    let watcher = WorkerThread(name: "watcher") {
      var lastPublished: UInt64 = 0
      while !isDone.load(ordering: .acquiring) {
        let durable = log.watermarks.durable
        let acknowledged = log.watermarks.acknowledged
        let published = log.watermarks.published
        let (appended, sequence) = log.coordinator.sequence { ($0.appended, $0.lastSequence) }
        if durable > acknowledged || acknowledged > appended || published > sequence
          || published < lastPublished
        {
          failures.withLock {
            $0.append("\(durable) \(acknowledged) \(appended) \(published) \(sequence)")
          }
        }
        lastPublished = published
      }
    }
    let threads = (0..<3).map { thread in
      WorkerThread(name: "commit-\(thread)") {
        for index in 0..<100 { _ = try? log.commit(Part(thread, "\(index)")) }
      }
    }
    for thread in threads { thread.join() }
    isDone.store(true, ordering: .releasing)
    watcher.join()
    #expect(failures.withLock { $0 } == [])
    #expect(log.watermarks.published == 300)
    log.abandon()
  }

  @Test func `requestSync alone acknowledges, and tells observers`() throws {
    let log = try TestLog.open()
    let seen = Lock<[LSN]>([])
    let monitor = Monitor()
    log.coordinator.observe {
      seen.withLock { $0.append(log.watermarks.acknowledged) }
      monitor.withLock { monitor.broadcast() }
    }
    let end = try log.append([Part(0, "x")]).end
    log.coordinator.requestSync()
    monitor.withLock {
      while !seen.withLock({ $0.contains { $0 >= end } }) { monitor.wait() }
    }
    #expect(log.watermarks.acknowledged == end)
    log.abandon()
  }

  @Test func `syncIfIdle leaves to the writer's thread what comes while another writes`() throws {
    let log = try TestLog.open()
    log.device.gate.hold()
    let first = WorkerThread(name: "first") { _ = try? log.commit(Part(0, "first")) }
    log.device.gate.waitForSync()
    let end = try log.append([Part(1, "second")]).end
    #expect(try !log.coordinator.syncIfIdle())
    #expect(log.watermarks.acknowledged < end)
    log.device.gate.release()
    first.join()
    try log.coordinator.waitUntilAcknowledged(end)
    #expect(log.watermarks.published == 2)
    log.abandon()
  }
}
