import Base
import FaultDevices
import Glibc
import Testing

@testable import KVStore

/// An error tells of what was read, and nobody may be told of what a power cut can still take back.
@Suite(.timeLimit(.minutes(1))) struct EarlyErrorTests {
  /// A store with an entry of a type at "typed" that is ordered, and durable once the gate is released.
  private func made(_ device: MemoryDevice) throws -> StoreFixture {
    let fixture = try StoreFixture { $0.makeLogDevice = { _ in device } }
    let store = fixture.store
    // Some owned entry: from now on writes look at what they replace.
    try store.waitUntilDurable(
      try store.evaluate { evaluation throws(StoreError) in
        try evaluation.putEntry(ownedKey(slot: 0).rawSpan, [1].rawSpan, in: .owned)
      }.receipt)
    device.gate.hold()
    _ = try store.evaluate { evaluation throws(StoreError) in
      try evaluation.put(bytes("typed").rawSpan, [1].rawSpan, type: 1)
    }
    store.requestSync()
    device.gate.waitForSync()
    return fixture
  }

  /// Before, only a precondition that failed waited.
  @Test(arguments: ["read", "put", "commit", "condition", "batchTooLarge"])
  func `it is thrown once that is durable`(call: String) throws {
    let device = MemoryDevice()
    let fixture = try made(device)
    let store = fixture.store
    let isThrown = Flag()
    let thread = WorkerThread(name: "early") {
      do throws(StoreError) {
        switch call {
        case "put": try store.put(bytes("typed"), [2])
        case "commit":
          var batch = Batch()
          try batch.put(bytes("typed"), [2])
          try store.commit(batch)
        case "condition":
          var batch = Batch()
          try batch.require(.absent, of: bytes("typed"))
          try store.commit(batch)
        default:
          _ = try store.admitAndEvaluate(byteCount: 10) { evaluation throws(StoreError) in
            guard call == "read" else { throw .batchTooLarge(byteCount: 1, limit: 0) }
            try evaluation.withValue(of: bytes("typed").rawSpan) { _ in }
          }
        }
        Issue.record("no error")
      } catch {
        isThrown.raise()
      }
    }
    usleep(200_000)
    #expect(!isThrown.isRaised)
    device.gate.release()
    thread.join()
    #expect(isThrown.isRaised)
  }

  @Test func `a task is told of it once that is durable`() async throws {
    let device = MemoryDevice()
    let fixture = try made(device)
    let store = fixture.store
    let isThrown = Flag()
    let task = Task {
      var batch = Batch()
      try batch.put(bytes("typed"), [2])
      do throws(StoreError) {
        _ = try await store.commit(batch)
      } catch {
        isThrown.raise()
      }
    }
    try await Task.sleep(for: .milliseconds(200))
    #expect(!isThrown.isRaised)
    device.gate.release()
    try await task.value
    #expect(isThrown.isRaised)
  }

  @Test func `what the request itself does wrong is told at once`() throws {
    let device = MemoryDevice()
    let fixture = try made(device)
    let long = [UInt8](repeating: 1, count: 600)
    #expect(throws: StoreError.keyTooLong(byteCount: 600, limit: 500)) {
      _ = try fixture.store.admitAndEvaluate(byteCount: 10) { evaluation throws(StoreError) in
        try evaluation.put(long.rawSpan, [1].rawSpan)
      }
    }
    device.gate.release()
  }
}
