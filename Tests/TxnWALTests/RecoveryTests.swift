import Base
import Testing

@testable import TxnWAL

/// Every row of the recovery table, driven by a log that was cut behind one of its records.
@Suite struct RecoveryTests {
  private static let left = Part(0, "left")
  private static let right = Part(1, "right")

  /// A log with one transaction over two participants, and the image of it that ends behind its intent
  /// (`count` 1) or its marker (2), or before both (0).
  private func image(
    cutBehind count: Int, refusing: Bool = false
  ) throws -> (image: MemoryDevice, storages: [FakeStorage]) {
    let log = try TestLog.open()
    try log.commit(Part(0, "before"))
    log.apply()
    if refusing {
      log.participants[1].refuse(Refusal(code: 7, detail: 8))
      #expect(throws: Refusal(code: 7, detail: 8)) { try log.append([Self.left, Self.right]) }
      log.coordinator.requestSync()
      try log.coordinator.waitUntilAcknowledged(log.coordinator.sequence { $0.appended })
    } else {
      try log.commit([Self.left, Self.right])
    }
    log.abandon()
    let headers = try log.device.records(from: .zero)
    #expect(headers.map(\.kind) == [.batch, .intent, refusing ? .abort : .commit])
    let end = headers.last!.end
    let cut = headers[count].end
    log.device.overwrite([UInt8](repeating: 0, count: end.distance(from: cut)), at: cut)
    return (log.device.image(.keeps), log.storageImages())
  }

  /// Opens copies of an image twice, and one of them a second time: every opening finds the same.
  private func recover(
    _ image: MemoryDevice, _ storages: [FakeStorage]
  ) throws -> TestLog {
    let once = try TestLog.open(on: image.image(.keeps), storages: storages.copies)
    once.abandon()
    let twice = try TestLog.open(on: once.device.image(.keeps), storages: storages.copies)
    twice.abandon()
    #expect(once.entries == twice.entries)
    #expect(once.report.end == twice.report.end)
    #expect(once.report.presumedAborted == twice.report.presumedAborted)
    #expect(once.report.lastSequence == twice.report.lastSequence)
    #expect(once.participants.map(\.calls) == twice.participants.map(\.calls))
    return once
  }

  @Test func `nothing in the log never happened`() throws {
    let (image, storages) = try image(cutBehind: 0)
    let log = try recover(image, storages)
    #expect(log.entries == [1: [Part(0, "before")]])
    #expect(!log.report.hasTornTail)
    #expect(log.report.presumedAborted.isEmpty)
    #expect(log.report.alreadyAppliedCount == 1)
  }

  @Test func `an intent without an outcome is presumed aborted`() throws {
    let (image, storages) = try image(cutBehind: 1)
    let log = try recover(image, storages)
    #expect(log.entries == [1: [Part(0, "before")]])
    #expect(log.report.presumedAborted == [TransactionID(epoch: 1, counter: 2)])
    #expect(log.report.lastSequence == 1)
    #expect(log.participants[1].calls.isEmpty)
  }

  @Test func `an intent with an abort marker does nothing`() throws {
    let (image, storages) = try image(cutBehind: 2, refusing: true)
    let log = try recover(image, storages)
    #expect(log.entries == [1: [Part(0, "before")]])
    #expect(log.report.abortedCount == 1)
    #expect(log.report.presumedAborted.isEmpty)
  }

  @Test(arguments: [[], [0], [1], [0, 1]] as [[Int]])
  func `what was committed is rolled forward wherever it is not applied`(
    applied: [Int]
  ) throws {
    let (image, storages) = try image(cutBehind: 2)
    let end = try image.records(from: .zero).last!.end
    for index in applied {
      storages[index].apply(
        [Self.left, Self.right][index].bytes, at: CommitPosition(sequence: 2, end: end))
    }
    let log = try recover(image, storages)
    #expect(log.entries == [1: [Part(0, "before")], 2: [Self.left, Self.right]])
    for index in 0...1 {
      #expect(log.participants[index].calls.isEmpty == applied.contains(index))
    }
    #expect(log.report.rolledForwardCount == (applied.count == 2 ? 0 : 1))
    #expect(log.report.alreadyAppliedCount == (applied.count == 2 ? 2 : 1))
    #expect(log.report.lastSequence == 2)
  }

  @Test func `a transaction of one participant is one record`() throws {
    let log = try TestLog.open()
    let position = try log.commit(Part(2, "a"), Part(2, "b"))
    log.abandon()
    #expect(try log.device.records(from: .zero).map(\.kind) == [.batch])
    let after = try recover(log.device.image(.loses), log.storageImages())
    #expect(after.entries == [1: [Part(2, "ab")]])
    #expect(after.report.end == position.end)
  }

  @Test func `sections of one participant are replayed in their order`() throws {
    let log = try TestLog.open()
    try log.commit(Part(0, "1"), Part(1, "x"), Part(0, "2"), Part(2, "y"), Part(0, "3"))
    let after = try log.crash(.loses)
    #expect(after.entries == [1: [Part(0, "123"), Part(1, "x"), Part(2, "y")]])
    after.abandon()
  }

  @Test func `a participant that cannot replay stops the open with its finding`() throws {
    let log = try TestLog.open()
    try log.commit(Part(0, "unreadable"))
    log.abandon()
    let participant = FakeParticipant(FakeStorage())
    let finding = Finding(file: "f", offset: 3, expected: "e", found: "x")
    participant.reject(finding)
    #expect(throws: LogError.corrupted(finding)) {
      try Coordinator.open(
        on: log.device.image(.loses), storeID: TestLog.storeID, participants: [participant])
    }
  }

  @Test func `a section of a participant that is not there stops the open`() throws {
    let log = try TestLog.open()
    try log.commit(Part(2, "whose"))
    log.abandon()
    let image = log.device.image(.loses)
    #expect(throws: LogError.self) { try TestLog.open(on: image, storages: TestLog.storages(2)) }
  }

  @Test func `a crash at any step of recovery changes nothing`() throws {
    let log = try TestLog.open()
    for number in 0..<5 { try log.commit(Part(number % 3, "v\(number)"), Part(1, "w\(number)")) }
    // A torn group makes recovery write.
    log.device.gate.hold()
    try log.append([Part(0, [UInt8](repeating: 9, count: 900))])
    log.coordinator.requestSync()
    log.device.gate.waitForSync()
    let image = log.device.image(.tearsAtByte, seed: 3)
    log.abandon()
    let expected = try TestLog.open(on: image.image(.keeps))
    expected.abandon()
    #expect(expected.report.lastSequence >= 5)
    var step = 0
    while true {
      let device = image.image(.keeps)
      device.cutPower(after: step)
      var isOpen = false
      if let opened = try? TestLog.open(on: device) {
        isOpen = true
        opened.abandon()
      }
      for crash in Crash.allCases {
        let again = try TestLog.open(on: device.image(crash, seed: UInt64(step)))
        #expect(again.entries == expected.entries, "step \(step), \(crash)")
        #expect(again.report.end == expected.report.end, "step \(step), \(crash)")
        again.abandon()
      }
      if isOpen { break }
      step += 1
    }
    #expect(step > 3)
  }
}
