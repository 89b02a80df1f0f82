import Base
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
        // What is written after the loss takes the places of what was lost, but not its sequences.
        let sequence = try after.commit(Part(0, "again")).sequence
        #expect(sequence > written.count)
        let again = try after.crash(.keeps, durability: .periodic)
        #expect(again.entries.count == survivors + 1)
        #expect(again.entries[sequence] == [Part(0, "again")])
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
    #expect(try after.commit(Part(1, "c")).sequence > 2)
    after.abandon()
  }

  /// Story: after a power cut the next batch got a sequence that a client had seen with other content.
  @Test func `no sequence that was seen comes again, however often the power is cut`() throws {
    for crash in Crash.allCases {
      var log = try TestLog.open(durability: .periodic)
      var newest: UInt64 = 0
      for round in 0..<8 {
        for _ in 0..<(round % 3 == 2 ? 0 : 20) {
          let sequence = try log.commit(Part(0, "seen")).sequence
          #expect(sequence > newest, "\(crash), round \(round)")
          newest = max(newest, sequence)
        }
        // The durability of the epoch before decides, not that of the next.
        log = try log.crash(crash, seed: UInt64(round), durability: round == 6 ? .sync : .periodic)
        #expect(log.watermarks.published >= newest)
      }
      log.abandon()
    }
  }

  @Test func `a crash while the log is opened does not bring sequences back`() throws {
    let log = try TestLog.open(durability: .periodic)
    for _ in 0..<30 { try log.commit(Part(0, "seen")) }
    log.device.cutPower()
    let image = log.device.image(.loses)
    log.abandon()
    var step = 0
    var isOpen = false
    while !isOpen {
      let device = image.image(.keeps)
      device.cutPower(after: step)
      if let opened = try? TestLog.open(on: device) {
        isOpen = true
        opened.abandon()
      }
      for crash in Crash.allCases {
        let again = try TestLog.open(on: device.image(crash, seed: UInt64(step)))
        #expect(try again.commit(Part(0, "new")).sequence > 30, "step \(step), \(crash)")
        again.abandon()
      }
      step += 1
    }
    #expect(step > 2)
  }

  @Test func `a control file with a damaged slot does not bring sequences back`() throws {
    for slot in 0...1 {
      var log = try TestLog.open(durability: .periodic)
      var newest: UInt64 = 0
      for _ in 0..<3 {
        for _ in 0..<10 { newest = try log.commit(Part(0, "seen")).sequence }
        log = try log.crash(.loses, durability: .periodic)
      }
      newest = try log.commit(Part(0, "seen")).sequence
      log.abandon()
      let image = log.device.image(.loses)
      image.damage(Control.fileName) { $0[slot * Control.slotByteCount + 60] ^= 1 }
      let after = try TestLog.open(on: image)
      #expect(try after.commit(Part(0, "new")).sequence > newest, "slot \(slot)")
      after.abandon()
    }
  }

  @Test func `sequences stay dense where nothing can be lost`() throws {
    var log = try TestLog.open()
    for round in 1...5 {
      #expect(try log.commit(Part(0, "x")).sequence == UInt64(round))
      log = try log.crash(.loses)
    }
    log.abandon()
  }

  @Test func `the sequences of what is cut off with damage are not given out again`() throws {
    let log = try TestLog.open()
    var ends: [LSN] = []
    for _ in 0..<10 { ends.append(try log.commit(Part(0, "x")).end) }
    try log.coordinator.close()
    let device = log.device
    try LogTruncation(at: ends[3], on: device, storeID: TestLog.storeID).carryOut(on: device)
    let after = try TestLog.open(on: device)
    #expect(after.entries.count == 4)
    #expect(try after.commit(Part(0, "new")).sequence > 10)
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
