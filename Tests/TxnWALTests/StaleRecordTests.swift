import Glibc
import Testing

@testable import TxnWAL

/// What stands behind the end of the log: records of recycled segments and of groups that a crash tore.
@Suite struct StaleRecordTests {
  private static let page = [UInt8](repeating: 1, count: 1000)

  @Test func `the old records of a recycled segment are never taken up`() throws {
    var log = try TestLog.open()
    var metOldRecords = false
    // Every few records a segment is done with, and written again as the next but one.
    for round in 0..<20 {
      for _ in 0..<3 { try log.commit(Part(round % 3, Self.page)) }
      log.apply()
      try log.coordinator.checkpoint(waiting: true)
      let end = log.coordinator.sequence { $0.appended }
      log = try log.crash(.loses)
      #expect(log.report.end == end)
      #expect(!log.report.hasTornTail)
      #expect(log.entries.count == (round + 1) * 3)
      let behind = log.device.bytes(of: MemoryDevice.fileName(at: end))?
        .dropFirst(MemoryDevice.tiny.fileOffset(of: end))
      metOldRecords = metOldRecords || behind?.contains(1) == true
    }
    log.abandon()
    #expect(metOldRecords)
  }

  /// Appends a group, and lets a power cut tear it so that its first record is lost and the others
  /// are kept.
  private func tornImage(_ log: TestLog, group: [[Part]]) throws -> MemoryDevice {
    let start = log.coordinator.sequence { $0.appended }
    log.device.gate.hold()
    var first: CommitPosition?
    for parts in group {
      let position = try log.append(parts)
      first = first ?? position
    }
    log.coordinator.requestSync()
    log.device.gate.waitForSync()
    let image = log.device.image(.keeps)
    log.abandon()
    // The first record of the group did not get to the disk.
    let lost = first!.end.distance(from: start)
    image.overwrite([UInt8](repeating: 0, count: lost), at: start)
    return image
  }

  private func tear(_ log: TestLog, group: [[Part]]) throws -> TestLog {
    try TestLog.open(on: tornImage(log, group: group), storages: log.storageImages())
  }

  private static func group(_ letter: String) -> [[Part]] {
    ["1", "2", "3"].map { [Part(0, letter + $0)] }
  }

  @Test func `what a torn group left is not taken up behind a new record of the same length`()
    throws
  {
    var log = try TestLog.open()
    try log.commit(Part(0, "00"))
    log = try tear(log, group: Self.group("a"))
    #expect(log.entries == [1: [Part(0, "00")]])
    // As long as the lost one: the two that were kept stand right behind it.
    try log.commit(Part(0, "b1"))
    for _ in 0..<3 {
      log = try log.crash(.loses)
      #expect(log.entries == [1: [Part(0, "00")], 2: [Part(0, "b1")]])
    }
    log.abandon()
  }

  /// Regression: the reader began at the checkpoint without knowing an epoch. With everything before
  /// it applied, the record behind it was the first to be read, and a leftover of the first crash
  /// came to life.
  @Test func `what a torn group left is not taken up right behind a checkpoint`() throws {
    var log = try TestLog.open()
    try log.commit(Part(0, "00"))
    log = try tear(log, group: Self.group("a"))
    try log.commit(Part(0, "b1"))
    log.apply()
    try log.coordinator.checkpoint(waiting: true)
    for _ in 0..<2 {
      log = try log.crash(.loses)
      #expect(log.entries == [1: [Part(0, "00")], 2: [Part(0, "b1")]])
      #expect(log.report.recordCount == 0)
    }
    log.abandon()
  }

  @Test func `several torn groups in a row leave nothing behind`() throws {
    var log = try TestLog.open()
    try log.commit(Part(0, "00"))
    for letter in ["a", "b", "c", "d"] {
      log = try tear(log, group: Self.group(letter))
      #expect(log.entries == [1: [Part(0, "00")]])
      #expect(log.report.lastSequence == 1)
    }
    for (index, text) in ["e1", "f2", "g3"].enumerated() {
      try log.commit(Part(0, text))
      log = try log.crash(.loses)
      #expect(log.entries.count == index + 2)
      #expect(log.entries[UInt64(index) + 2] == [Part(0, text)])
    }
    log.abandon()
  }

  /// Regression: the header of a torn marker stayed where it was. A later crash could leave just the
  /// bytes that it lacked, and commit a transaction that had been presumed aborted.
  @Test func `a torn marker is not completed by a later crash`() throws {
    var log = try TestLog.open()
    // The marker's header ends a sector; its sequence begins the next.
    let intentByteCount = RecordHeader.recordByteCount(payload: 8 + 2 * (8 + 8))
    let filling = 1024 - RecordHeader.byteCount - intentByteCount
    try log.commit(Part(0, [UInt8](repeating: 1, count: filling - RecordHeader.byteCount - 16)))
    let marker = log.coordinator.sequence { $0.appended }.advanced(by: intentByteCount)
    #expect(marker.rawValue % 512 == 512 - 40)
    try log.commit(Part(0, "left    "), Part(1, "right   "))
    log.abandon()
    let whole = log.device.image(.keeps)
    let sequence = whole.logBytes(marker.advanced(by: 40)..<marker.advanced(by: 48))
    let torn = whole.image(.keeps)
    torn.overwrite([UInt8](repeating: 0, count: 8), at: marker.advanced(by: 40))

    log = try TestLog.open(on: torn)
    #expect(log.report.presumedAborted.count == 1)
    log.abandon()
    // Of the next record only the second sector gets to the disk, which begins with its sequence.
    log.device.overwrite(sequence, at: marker.advanced(by: 40))
    log = try TestLog.open(on: log.device.image(.keeps))
    #expect(log.report.presumedAborted.count == 1)
    #expect(log.entries.count == 1)
    log.abandon()
  }

  @Test func `transaction ids are unique over all openings`() throws {
    var seen: Set<TransactionID> = []
    var log = try TestLog.open()
    for round in 0..<8 {
      for _ in 0..<3 { try log.append([Part(0, "x"), Part(1, "y")]) }
      let ids = log.participants[0].calls.compactMap { call in
        if case .prepare(let id, _) = call { id } else { nil }
      }
      #expect(ids.count == 3)
      for id in ids { #expect(seen.insert(id).inserted, "\(id) twice") }
      // Some openings end without anything durable, some with half a group.
      if round % 2 == 0 { log.coordinator.requestSync() }
      log = try log.crash(Crash.allCases[round % 5], seed: UInt64(round))
    }
    log.abandon()
  }

  @Test func `an epoch that only a damaged slot and a torn group named is passed over`() throws {
    let log = try TestLog.open()
    let end = try log.commit(Part(0, "00")).end
    // Segments enough that the next opening changes nothing but the epoch.
    while try !log.coordinator.hasRoom(for: 8192, appended: end) { sched_yield() }
    let second = try log.crash(.loses)
    let image = try tornImage(second, group: Self.group("a"))
    for slot in [0, Control.slotByteCount] {
      let damaged = image.image(.keeps)
      damaged.damage(Control.fileName) { $0[slot + 20] ^= 1 }
      let third = try TestLog.open(on: damaged)
      #expect(third.entries == [1: [Part(0, "00")]])
      let sequence = try third.commit(Part(0, "b1")).sequence
      let fourth = try third.crash(.loses)
      #expect(fourth.entries == [1: [Part(0, "00")], sequence: [Part(0, "b1")]])
      fourth.abandon()
    }
  }

  @Test func `an epoch is not given out twice when the slot that named it is damaged`() throws {
    let log = try TestLog.open()
    try log.commit(Part(0, "x"))
    log.abandon()
    let image = log.device.image(.loses)
    let epoch = try #require(image.records(from: .zero).last?.transaction.epoch)
    for slot in [0, Control.slotByteCount] {
      let damaged = image.image(.keeps)
      damaged.damage(Control.fileName) { $0[slot + 20] ^= 1 }
      let again = try TestLog.open(on: damaged)
      try again.commit(Part(0, "y"))
      again.abandon()
      let epochs = try damaged.records(from: .zero).map(\.transaction.epoch)
      #expect(epochs.first == epoch && epochs.last! > epoch)
    }
  }
}
