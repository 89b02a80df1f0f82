import Base
import Synchronization
import Testing

@testable import TxnWAL

/// Segments made, recycled and let go of, and crashes between any two of those steps.
@Suite struct CheckpointTests {
  private static func page(_ number: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 900 + number % 7 * 8)
  }

  @Test func `a checkpoint never passes what a participant still needs`() throws {
    let log = try TestLog.open()
    for number in 0..<12 {
      try log.commit(Part(number % 3, Self.page(number)))
      if number % 4 == 3 {
        // One participant stays behind.
        log.participants[0].apply(upTo: log.watermarks.durable)
        log.participants[1].apply(upTo: log.watermarks.durable, limit: 1)
        log.participants[2].apply(upTo: log.watermarks.durable)
      }
      try log.coordinator.checkpoint(waiting: true)
      for participant in log.participants {
        guard let owed = participant.firstOwed else { continue }
        #expect(log.coordinator.checkpoint < owed.end)
      }
      let image = log.device.image(.loses)
      let after = try TestLog.open(on: image, storages: log.storageImages())
      #expect(after.entries == log.entries)
      after.abandon()
    }
    log.abandon()
  }

  @Test func `a checkpoint at the very end of the log, and of a segment, is a beginning`() throws {
    for missing in [0, 8, 40] {
      let log = try TestLog.open()
      let count = MemoryDevice.tiny.capacity - RecordHeader.byteCount - 16 - missing
      let end = try log.commit(Part(0, [UInt8](repeating: 1, count: count))).end
      #expect(MemoryDevice.tiny.remaining(from: end) == (missing == 0 ? 4096 : missing))
      log.apply()
      try log.coordinator.checkpoint(waiting: true)
      #expect(log.coordinator.checkpoint == end)
      var after = try log.crash(.loses)
      #expect(after.report.recordCount == 0)
      #expect(after.report.end == end)
      #expect(after.report.lastSequence == 1)
      try after.commit(Part(1, "next"), Part(2, "one"))
      after = try after.crash(.loses)
      #expect(after.entries.count == 2)
      after.apply()
      try after.coordinator.checkpoint(waiting: true)
      after = try after.crash(.loses)
      #expect(after.report.recordCount == 0)
      #expect(after.entries.count == 2)
      after.abandon()
    }
  }

  @Test func `segments before the checkpoint are used again, not created`() throws {
    let log = try TestLog.open()
    for number in 0..<40 {
      try log.commit(Part(number % 3, Self.page(number)))
      log.apply()
      try log.coordinator.checkpoint(waiting: true)
      #expect(log.coordinator.segmentCount <= 3)
    }
    let files = try log.device.fileNames().filter { $0.hasSuffix(".log") }
    #expect(files.count <= 4)
    let made = log.device.state.withLock { $0.files.count }
    // Ten segments have been filled; the files that ever were are the control file and a few more.
    #expect(made <= 6)
    log.abandon()
  }

  @Test func `sequences go on after a checkpoint that left no record`() throws {
    var log = try TestLog.open()
    for round in 1...5 {
      let position = try log.commit(Part(0, "x"), Part(1, "y"))
      #expect(position.sequence == UInt64(round))
      log.apply()
      try log.coordinator.checkpoint(waiting: true)
      log = try log.crash(.loses)
      #expect(log.report.lastSequence == UInt64(round))
    }
    log.abandon()
  }

  /// A run with many segment changes, of which the power is cut after `step` operations of the device.
  /// Returns what was acknowledged by then, and whether the run came to its end.
  private func run(
    cutAfter step: Int
  ) -> (device: MemoryDevice, storages: [FakeStorage], acknowledged: [UInt64: [Part]], isDone: Bool)
  {
    let device = MemoryDevice()
    device.cutPower(after: step)
    let storages = TestLog.storages()
    var acknowledged: [UInt64: [Part]] = [:]
    guard let log = try? TestLog.open(on: device, storages: storages) else {
      return (device, storages, [:], false)
    }
    defer { log.abandon() }
    for number in 0..<24 {
      let parts =
        number % 5 == 4
        ? [Part(0, Self.page(number)), Part(1, Self.page(number + 1)), Part(2, "twin")]
        : [Part(number % 3, Self.page(number))]
      guard let position = try? log.commit(parts) else {
        return (device, storages, acknowledged, false)
      }
      acknowledged[position.sequence] = parts
      if number % 3 == 2 {
        log.apply()
        guard (try? log.coordinator.checkpoint(waiting: true)) != nil else {
          return (device, storages, acknowledged, false)
        }
      }
    }
    return (device, storages, acknowledged, true)
  }

  @Test func `a crash after any operation of the device loses nothing acknowledged`() throws {
    var step = 0
    while true {
      let (device, storages, acknowledged, isDone) = run(cutAfter: step)
      var found = Crash.allCases.map { ("\($0)", device.image($0, seed: UInt64(step))) }
      // Or the process is killed, another one takes over, and then the power is cut.
      let killed = try TestLog.open(on: device.afterKill(), storages: storages.copies)
      killed.abandon()
      found.append(("killed", killed.device.image(.loses)))
      for (crash, image) in found {
        let log = try TestLog.open(on: image, storages: storages.copies)
        log.abandon()
        let entries = log.entries
        // The transaction that was under way may be there, whole.
        #expect(
          entries.count == acknowledged.count || entries.count == acknowledged.count + 1,
          "step \(step), \(crash)")
        for (sequence, parts) in acknowledged where entries[sequence] != parts {
          Issue.record("step \(step), \(crash): \(sequence) is lost")
        }
        if let extra = entries.keys.first(where: { acknowledged[$0] == nil }) {
          #expect(extra == UInt64(acknowledged.count) + 1)
          let isDistributed = extra % 5 == 0
          #expect(entries[extra]?.count == (isDistributed ? 3 : 1), "step \(step), \(crash)")
        }
      }
      if isDone { break }
      step += 1
    }
    #expect(step > 100)
  }

  @Test func `a checkpoint in the moment a group becomes durable keeps its sequence`() throws {
    // A participant that applies at once, and a checkpoint as soon as anything is durable.
    let log = try TestLog.open()
    let isDone = Atomic<Bool>(false)
    let checkpointer = WorkerThread(name: "checkpoint") {
      while !isDone.load(ordering: .acquiring) {
        log.apply()
        try? log.coordinator.checkpoint(waiting: true)
      }
    }
    for number in 0..<200 { try log.commit(Part(number % 3, "v")) }
    isDone.store(true, ordering: .releasing)
    checkpointer.join()
    let after = try log.crash(.loses)
    #expect(after.report.lastSequence == 200)
    after.abandon()
  }
}
