import Testing

@testable import TxnWAL

/// Acknowledged before it is synced: what a power cut may take then, and what it may not.
@Suite struct PeriodicDurabilityTests {
  @Test func `a transaction is acknowledged before any sync`() throws {
    let log = try TestLog.open(durability: .periodic)
    log.device.gate.hold()
    let position = try log.commit(Part(0, "x"), Part(1, "y"))
    #expect(log.watermarks.acknowledged == position.end)
    #expect(log.watermarks.published == 1)
    #expect(log.watermarks.durable == .zero)
    // A killed process loses nothing of it.
    let after = try TestLog.open(on: log.device.image(.keeps))
    #expect(after.entries == [1: [Part(0, "x"), Part(1, "y")]])
    after.abandon()
    log.abandon()
  }

  @Test func `what was synced is kept, what was not is lost from some transaction on`() throws {
    for seed in 0..<12 {
      for crash in Crash.allCases {
        let log = try TestLog.open(durability: .periodic)
        var generator = SeededGenerator(UInt64(seed))
        var written: [[Part]] = []
        func write(_ count: Int) throws -> LSN {
          var end = LSN.zero
          for _ in 0..<count {
            let bytes = generator.bytes(Int.random(in: 0...600, using: &generator))
            let parts =
              written.count % 2 == 0 ? [Part(0, bytes)] : [Part(1, bytes), Part(2, bytes)]
            written.append(parts)
            end = try log.commit(parts).end
          }
          return end
        }
        try log.coordinator.waitUntilDurable(write(6))
        let synced = written.count
        _ = try write(7)
        let after = try log.crash(crash, seed: UInt64(seed), durability: .periodic)
        let survivors = after.entries.count
        #expect(survivors >= synced, "\(crash), seed \(seed)")
        if crash == .keeps { #expect(survivors == written.count) }
        for (index, parts) in written.prefix(survivors).enumerated() {
          #expect(after.entries[UInt64(index) + 1] == parts, "\(crash), seed \(seed)")
        }
        // What is written after the loss takes the places of what was lost.
        try after.commit(Part(0, "again"))
        let again = try after.crash(.keeps, durability: .periodic)
        #expect(again.entries.count == survivors + 1)
        #expect(again.entries[UInt64(survivors) + 1] == [Part(0, "again")])
        again.abandon()
      }
    }
  }

  @Test func `close makes everything durable`() throws {
    let log = try TestLog.open(durability: .periodic)
    for number in 0..<20 { try log.commit(Part(number % 3, "v\(number)")) }
    try log.coordinator.close()
    let after = try TestLog.open(on: log.device.image(.loses))
    #expect(after.entries.count == 20)
    after.abandon()
  }

  @Test func `participants are asked to be durable only as far as the log is`() throws {
    let log = try TestLog.open(durability: .periodic)
    let first = try log.commit(Part(0, "a"))
    try log.coordinator.waitUntilDurable(first.end)
    try log.commit(Part(1, "b"))
    #expect(log.watermarks.durable == first.end)
    try log.coordinator.checkpoint(waiting: true)
    #expect(log.coordinator.checkpoint <= first.end)
    log.abandon()
  }

  /// Story: a checkpoint once noted the newest visible sequence. A power cut took that batch, the next
  /// one's sequence left a gap, and `kvd check` called a sound log damaged.
  @Test func `a checkpoint notes no sequence that a power cut may take back`() throws {
    let log = try TestLog.open(durability: .periodic)
    try log.coordinator.waitUntilDurable(log.commit(Part(0, "a")).end)
    log.apply()
    try log.commit(Part(1, "b"))
    #expect(log.watermarks.published == 2)
    try log.coordinator.checkpoint(waiting: true)
    let after = try log.crash(.loses)
    #expect(after.report.lastSequence == 1)
    #expect(try after.commit(Part(1, "c")).sequence == 2)
    after.abandon()
  }

  @Test func `the log syncs by itself after a while`() throws {
    let log = try TestLog.open(durability: .periodic)
    let monitor = Monitor()
    log.coordinator.observe { monitor.withLock { monitor.broadcast() } }
    let end = try log.commit(Part(0, "x")).end
    monitor.withLock { while log.watermarks.durable < end { monitor.wait() } }
    #expect(log.device.isDurable(LSN.zero..<end))
    log.abandon()
  }
}
