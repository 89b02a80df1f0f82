import Base
import Testing

@testable import TxnWAL

/// A thread that is the sequencer and asks for what only others can do would wait for itself, in silence.
@Suite struct ReentryTests {
  @Test(arguments: ["sequence", "sync", "wait", "wait durable", "checkpoint"])
  func `what would wait for the sequencer traps in it`(call: String) async {
    await #expect(processExitsWith: .failure) { [call = call as String] in
      let log = try TestLog.open()
      let end = try log.append([Part(0, "x")]).end
      try log.coordinator.sequence { _ throws(LogError) in
        switch call {
        case "sequence": log.coordinator.sequence { _ in }
        case "sync": try log.coordinator.syncIfIdle()
        case "wait": try log.coordinator.waitUntilAcknowledged(end)
        case "wait durable": try log.coordinator.waitUntilDurable(end)
        default: try log.coordinator.checkpoint(waiting: true)
        }
      }
    }
  }

  @Test func `the same calls outside do not, also right after one and in other threads`() throws {
    let log = try TestLog.open()
    try withLog(log) { log in
      for _ in 0..<3 {
        log.coordinator.sequence { _ in }
        try log.commit(Part(0, "x"))
      }
      log.coordinator.sequence { _ in
        let other = WorkerThread(name: "other") { log.coordinator.requireOutsideSequence() }
        other.join()
      }
    }
  }
}
