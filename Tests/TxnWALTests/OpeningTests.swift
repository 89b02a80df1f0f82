import Base
import Testing

@testable import TxnWAL

/// What opening a log refuses, and what it takes in its stride.
@Suite struct OpeningTests {
  private static let page = [UInt8](repeating: 5, count: 1500)

  /// A closed log of several segments of which nothing is applied.
  private func image() throws -> MemoryDevice {
    let log = try TestLog.open()
    for index in 0..<8 { try log.commit(Part(index % 3, Self.page)) }
    try log.coordinator.close()
    return log.device.image(.loses)
  }

  private func refusal(_ device: MemoryDevice, _ storages: [FakeStorage]? = nil) -> LogError? {
    let result = Result { try TestLog.open(on: device, storages: storages) }
    (try? result.get())?.abandon()
    return result.error
  }

  @Test func `a missing segment is refused with its name`() throws {
    let image = try image()
    let names = try image.fileNames().filter { $0.hasSuffix(".log") }.sorted()
    #expect(names.count >= 4)
    for name in names {
      let device = image.image(.keeps)
      device.discard(name)
      guard case .corrupted(let finding) = refusal(device) else {
        Issue.record("\(name) was not missed")
        continue
      }
      #expect(finding.file.hasSuffix(name))
    }
  }

  @Test func `a segment of another store is refused with its name`() throws {
    let image = try image()
    let name = LogGeometry.fileName(of: 1)
    let other = SegmentHeader(
      storeID: TestLog.makeStoreID(3), segmentByteCount: TestLog.tinySegmentByteCount,
      firstLSN: MemoryDevice.tiny.firstLSN(of: 1))
    image.damage(name) { $0.replaceSubrange(0..<SegmentHeader.byteCount, with: other.encoded()) }
    guard case .corrupted(let finding) = refusal(image) else {
      Issue.record("taken for the store's own")
      return
    }
    #expect(finding.file.hasSuffix(name))
  }

  @Test func `a segment in another's place is refused`() throws {
    let image = try image()
    let bytes = try #require(image.bytes(of: LogGeometry.fileName(of: 2)))
    image.damage(LogGeometry.fileName(of: 1)) { $0 = bytes }
    #expect(refusal(image)?.finding?.file.hasSuffix(LogGeometry.fileName(of: 1)) == true)
  }

  @Test(arguments: [-8192, -4096, -1, 1, 4096])
  func `a segment of the wrong length is refused with its name`(change: Int) throws {
    let image = try image()
    let name = LogGeometry.fileName(of: 1)
    image.damage(name) { bytes in
      if change < 0 {
        bytes.removeLast(-change)
      } else {
        bytes += [UInt8](repeating: 0, count: change)
      }
    }
    #expect(refusal(image)?.finding?.file.hasSuffix(name) == true)
  }

  @Test func `a log of another store is refused, and none of its files is touched`() throws {
    let image = try image()
    let before = try image.fileNames().sorted()
    let result = Result {
      try TestLog.open(on: image, storeID: TestLog.makeStoreID(3))
    }
    #expect(result.finding?.file.hasSuffix(Control.fileName) == true)
    #expect(try image.fileNames().sorted() == before)
  }

  @Test func `a log without its control file is refused, not created again`() throws {
    let image = try image()
    let before = image.bytes(of: LogGeometry.fileName(of: 0))
    image.discard(Control.fileName)
    #expect(refusal(image)?.finding?.file.hasSuffix(Control.fileName) == true)
    #expect(image.bytes(of: LogGeometry.fileName(of: 0)) == before)
  }

  @Test func `a control file of another version is refused as such`() throws {
    let image = try image()
    image.damage(Control.fileName) { bytes in
      bytes[8] = 9
      bytes[Control.slotByteCount + 8] = 9
    }
    guard case .unsupportedFormat(let path, let found, _) = refusal(image) else {
      Issue.record("version 9 was read")
      return
    }
    #expect(path.hasSuffix(Control.fileName) && found == "9")
  }

  @Test func `a log that ends before what a participant has applied is refused`() throws {
    let image = try image()
    let storages = TestLog.storages()
    let end = try image.records(from: .zero).last!.end
    storages[1].pretend(applied: end)
    #expect(refusal(image.image(.keeps), storages.copies) == nil)
    storages[1].pretend(applied: end.advanced(by: 8))
    let finding = try #require(refusal(image, storages)?.finding)
    #expect(finding.expected.contains("\(end.advanced(by: 8))"))
    #expect(finding.found.contains("\(end)"))
  }

  @Test func `a new log is refused where a participant has applied something`() throws {
    let storages = TestLog.storages()
    storages[2].pretend(applied: LSN(rawValue: 48))
    #expect(refusal(MemoryDevice(), storages)?.finding != nil)
  }

  @Test func `a crash while a log is made leaves one or none`() throws {
    var step = 0
    while true {
      let device = MemoryDevice()
      device.cutPower(after: step)
      let made = try? TestLog.open(on: device)
      made?.abandon()
      for crash in Crash.allCases {
        let log = try TestLog.open(on: device.image(crash, seed: UInt64(step)))
        try log.commit(Part(0, "first"))
        #expect(log.report.end == .zero)
        let again = try log.crash(.loses)
        #expect(again.entries == [1: [Part(0, "first")]])
        again.abandon()
      }
      let log = try TestLog.open(on: device.afterKill())
      try log.commit(Part(0, "first"))
      let again = try log.crash(.loses)
      #expect(again.entries == [1: [Part(0, "first")]])
      again.abandon()
      if made != nil { break }
      step += 1
    }
    #expect(step > 5)
  }

  /// Regression: the segment was removed as a leftover, with the durable records it held.
  @Test func `records in a segment that only the damaged slot names are not lost`() throws {
    let log = try TestLog.open()
    while log.coordinator.segmentCount < 4 { try log.commit(Part(0, Self.page)) }
    log.abandon()
    let image = log.device.image(.loses)
    for slot in [0, Control.slotByteCount] {
      let damaged = image.image(.keeps)
      damaged.damage(Control.fileName) { $0[slot + 64] ^= 1 }
      let again = try TestLog.open(on: damaged)
      #expect(again.entries == log.entries)
      try again.commit(Part(1, Self.page))
      let third = try again.crash(.loses)
      #expect(third.entries.count == log.entries.count + 1)
      third.abandon()
    }
  }

  /// Regression: what a killed process had written but not synced was rolled forward from the page
  /// cache. A power cut then took it from the log, and the participants had it.
  @Test func `what recovery rolls forward survives a power cut`() throws {
    let log = try TestLog.open()
    try log.commit(Part(0, "synced"))
    log.device.gate.hold()
    try log.append([Part(1, "written"), Part(2, "written")])
    log.coordinator.requestSync()
    log.device.gate.waitForSync()
    // The process is killed; the machine goes on with what was written.
    let killed = log.device.afterKill()
    log.abandon()
    let second = try TestLog.open(on: killed)
    #expect(second.entries.count == 2)
    second.apply()
    let third = try second.crash(.loses)
    #expect(third.entries.count == 2)
    third.abandon()
  }

  @Test func `nothing is handed to a participant before it is durable`() throws {
    let log = try TestLog.open(durability: .periodic)
    for number in 0..<6 { try log.commit(Part(number % 3, Self.page)) }
    let killed = log.device.afterKill()
    log.abandon()
    #expect(!killed.isDurable(LSN.zero..<log.watermarks.acknowledged))
    let notDurable = Lock<[LSN]>([])
    let participants = TestLog.storages().map { FakeParticipant($0) }
    for participant in participants {
      participant.onReplay { position in
        guard !killed.isDurable(LSN.zero..<position.end) else { return }
        notDurable.withLock { $0.append(position.end) }
      }
    }
    let coordinator = try Coordinator.open(
      on: killed, storeID: TestLog.storeID, participants: participants)
    #expect(coordinator.recoveryReport.rolledForwardCount == 6)
    #expect(notDurable.withLock { $0 } == [])
    try coordinator.close()
  }

  /// Regression: after a failed sync the kernel takes the pages for clean. They are readable, and no
  /// later sync writes them.
  @Test func `what recovery reads after a failed sync survives a power cut`() throws {
    for seed in 0..<20 {
      let log = try TestLog.open()
      try log.commit(Part(0, "synced"))
      log.device.state.withLock { $0.generator = SeededGenerator(UInt64(seed)) }
      log.device.fail(.init(operation: .sync, prefix: "0"))
      #expect(throws: LogError.self) { try log.commit(Part(1, "half"), Part(2, "lost")) }
      log.abandon()
      let second = try TestLog.open(on: log.device.afterKill())
      #expect(second.entries.count == 2)
      second.apply()
      let third = try second.crash(.loses)
      #expect(third.entries == second.entries)
      third.abandon()
    }
  }
}

extension LogError {
  var finding: Finding? {
    if case .corrupted(let finding) = self { finding } else { nil }
  }
}
