import Base
import Glibc
import Testing

@testable import TxnWAL

/// A log whose write or sync failed once.
@Suite struct PoisonTests {
  private static func isPoison(_ error: LogError?) -> Bool {
    if case .poisoned = error { true } else { false }
  }

  @Test(
    arguments: [MemoryDevice.Operation.write, .sync], [EIO, ENOSPC])
  func `a failed write or sync refuses everything unacknowledged, once and for all`(
    operation: MemoryDevice.Operation, code: Int32
  ) throws {
    let log = try TestLog.open()
    try log.commit(Part(0, "kept"))
    log.device.fail(.init(operation: operation, prefix: "0", code: code))
    let error = #expect(throws: LogError.self) { try log.commit(Part(1, "failed")) }
    #expect(Self.isPoison(error))
    #expect(Self.isPoison(log.coordinator.poisoned))

    let syncs = log.device.logSyncCount
    let operations = log.device.operationCount
    let position = try log.append([Part(2, "later")])
    #expect(throws: LogError.self) { try log.coordinator.waitUntilAcknowledged(position.end) }
    #expect(throws: LogError.self) { try log.coordinator.waitUntilDurable(position.end) }
    #expect(throws: LogError.self) { try log.coordinator.syncIfIdle() }
    #expect(throws: LogError.self) {
      try log.coordinator.hasRoom(for: 1, appended: position.end)
    }
    log.coordinator.requestSync()
    try log.coordinator.close()
    #expect(log.device.logSyncCount == syncs, "the descriptor was synced again")
    #expect(log.device.operationCount == operations)
    #expect(log.watermarks.published == 1)

    for crash in Crash.allCases {
      let after = try TestLog.open(on: log.device.image(crash, seed: 1))
      #expect(after.entries[1] == [Part(0, "kept")])
      #expect([nil, [Part(1, "failed")]].contains(after.entries[2]))
      #expect(after.entries.count <= 2)
      try after.commit(Part(0, "again"))
      after.abandon()
    }
  }

  @Test func `threads and tasks that wait when a sync fails are told`() async throws {
    let log = try TestLog.open()
    log.device.gate.hold()
    let errors = Lock<[LogError?]>([])
    let first = WorkerThread(name: "first") {
      let error = #expect(throws: LogError.self) { try log.commit(Part(0, "first")) }
      errors.withLock { $0.append(error) }
    }
    log.device.gate.waitForSync()
    let ends = try (0..<6).map { try log.append([Part(1, "\($0)")]).end }
    let threads = ends.map { end in
      WorkerThread(name: "waiter") {
        let error = #expect(throws: LogError.self) {
          try log.coordinator.waitUntilAcknowledged(end)
        }
        errors.withLock { $0.append(error) }
      }
    }
    let tasks = ends.map { end in
      Task { () -> LogError? in
        do throws(LogError) {
          try await log.coordinator.acknowledged(end)
          return nil
        } catch {
          return error
        }
      }
    }
    log.device.fail(.init(operation: .sync, prefix: "0"))
    log.device.gate.release()
    for thread in threads + [first] { thread.join() }
    for task in tasks {
      let error = await task.value
      errors.withLock { $0.append(error) }
    }
    #expect(errors.withLock { $0.count } == 13)
    #expect(errors.withLock { $0.allSatisfy(Self.isPoison) })
    #expect(log.watermarks.acknowledged == .zero)
    #expect(log.watermarks.published == 0)
    log.abandon()
  }

  @Test func `a participant can poison the log, and the first reason stays`() throws {
    let log = try TestLog.open()
    try log.commit(Part(0, "kept"))
    log.coordinator.poison(because: "LMDB lost a page")
    log.coordinator.poison(because: "something else")
    #expect(log.coordinator.poisoned == .poisoned(because: "LMDB lost a page"))
    let position = try log.append([Part(0, "lost")])
    #expect(throws: LogError.poisoned(because: "LMDB lost a page")) {
      try log.coordinator.waitUntilAcknowledged(position.end)
    }
    let after = try log.crash(.keeps)
    #expect(after.entries == [1: [Part(0, "kept")]])
    after.abandon()
  }

  @Test func `after close nothing is taken, and nobody is left waiting`() async throws {
    let log = try TestLog.open()
    try log.append([Part(0, "buffered")])
    try log.coordinator.close()
    let operations = log.device.operationCount
    let late = try log.append([Part(0, "late")])
    #expect(throws: LogError.closed) { try log.coordinator.waitUntilAcknowledged(late.end) }
    #expect(throws: LogError.closed) { try log.coordinator.syncIfIdle() }
    await #expect(throws: LogError.closed) { try await log.coordinator.acknowledged(late.end) }
    try log.coordinator.close()
    #expect(log.device.operationCount == operations)
    let after = try TestLog.open(on: log.device.image(.loses))
    #expect(after.entries == [1: [Part(0, "buffered")]])
    after.abandon()
  }

  @Test func `a closed log is not kept alive by itself`() throws {
    weak var coordinator: Coordinator?
    weak var participant: FakeParticipant?
    do {
      let log = try TestLog.open()
      try log.commit(Part(0, "x"))
      log.coordinator.observe { _ = log.watermarks }
      coordinator = log.coordinator
      participant = log.participants[0]
      try log.coordinator.close()
    }
    #expect(coordinator == nil)
    #expect(participant == nil)
  }
}
