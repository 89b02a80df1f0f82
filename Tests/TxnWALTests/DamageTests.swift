import Base
import Testing

@testable import TxnWAL

/// A small log over a segment's border, cut and damaged at every one of its bytes.
@Suite struct DamageTests {
  /// Several groups from a checkpoint near the end of a segment on, and what each of them holds.
  private struct Sample {
    var device: MemoryDevice
    var storages: [FakeStorage]
    var start: LSN
    /// For every transaction: where its group begins, where its last record ends, what it wrote.
    var transactions: [(groupStart: LSN, end: LSN, parts: [Part])] = []

    var end: LSN { transactions.last!.end }
    var lastGroupStart: LSN { transactions.last!.groupStart }

    /// What the participants hold when the first `count` transactions survived.
    func entries(first count: Int) -> [UInt64: [Part]] {
      var entries: [UInt64: [Part]] = [1: [Part(0, Sample.filling)]]
      for (index, transaction) in transactions.prefix(count).enumerated() {
        entries[UInt64(index) + 2] = transaction.parts
          .sorted { $0.participant < $1.participant }
      }
      return entries
    }

    static let filling = [UInt8](repeating: 0xAA, count: 3700)
  }

  private static func sample() throws -> Sample {
    let log = try TestLog.open()
    let start = try log.commit(Part(0, Sample.filling)).end
    log.apply()
    try log.coordinator.checkpoint(waiting: true)
    var sample = Sample(device: log.device, storages: log.storageImages(), start: start)
    var groupStart = start
    let groups: [[[Part]]] = [
      [[Part(1, "one"), Part(2, "uno")]],
      [[Part(0, "two")], [Part(2, "three"), Part(0, "tres")], [Part(1, "")]],
      [[Part(1, [UInt8](repeating: 7, count: 61))]],
      [[Part(0, "five")], [Part(0, "six"), Part(1, "seis"), Part(2, "sechs")]],
    ]
    for group in groups {
      for parts in group {
        let end = try log.append(parts).end
        sample.transactions.append((groupStart, end, parts))
      }
      try log.coordinator.syncIfIdle()
      groupStart = sample.end
    }
    log.abandon()
    #expect(MemoryDevice.tiny.segment(of: start) < MemoryDevice.tiny.segment(of: sample.end))
    sample.device = log.device.image(.loses)
    return sample
  }

  enum Filling: CaseIterable {
    case zeros, ones, noise
  }

  @Test(arguments: Filling.allCases)
  func `a log cut at any byte keeps the transactions before the cut, and no others`(
    filling: Filling
  ) throws {
    let sample = try Self.sample()
    let total = sample.end.distance(from: sample.start)
    var generator = SeededGenerator(1)
    for offset in 0..<total {
      let cut = sample.start.advanced(by: offset)
      let device = sample.device.image(.keeps)
      let rest =
        switch filling {
        case .zeros: [UInt8](repeating: 0, count: total - offset)
        case .ones: [UInt8](repeating: 0xFF, count: total - offset)
        case .noise: generator.bytes(total - offset)
        }
      device.overwrite(rest, at: cut)
      // Zeros may happen to be what stood there.
      let whole = sample.transactions.prefix {
        device.logBytes(sample.start..<$0.end) == sample.device.logBytes(sample.start..<$0.end)
      }
      let log = try TestLog.open(on: device, storages: sample.storages.copies)
      log.abandon()
      #expect(log.entries == sample.entries(first: whole.count), "cut at \(offset)")
      #expect(log.report.lastSequence == UInt64(whole.count) + 1, "cut at \(offset)")
    }
  }

  @Test
  func `a flipped byte before the last group is refused, in the last group it is a torn tail`()
    throws
  {
    let sample = try Self.sample()
    for offset in 0..<sample.end.distance(from: sample.start) {
      let place = sample.start.advanced(by: offset)
      let device = sample.device.image(.keeps)
      device.flip(at: place)
      let result = Result { try TestLog.open(on: device, storages: sample.storages.copies) }
      if place < sample.lastGroupStart {
        #expect(result.finding?.file.hasSuffix(".log") == true, "flipped at \(offset)")
        // The finding names the record in which the damage is.
        let record = try #require(
          sample.device.records(from: sample.start).last { $0.lsn <= place })
        #expect(
          result.finding?.offset == UInt64(MemoryDevice.tiny.fileOffset(of: record.lsn)),
          "flipped at \(offset)")
        (try? result.get())?.abandon()
      } else {
        let log = try result.get()
        log.abandon()
        let count = sample.transactions.filter { $0.end <= place }.count
        #expect(log.entries == sample.entries(first: count), "flipped at \(offset)")
      }
    }
  }

  @Test func `a refused log is left as it was`() throws {
    let sample = try Self.sample()
    sample.device.flip(at: sample.start.advanced(by: 60))
    let before = sample.device.state.withLock { state in
      state.names.mapValues { state.files[$0].bytes }
    }
    for _ in 0..<2 {
      let result = Result { try TestLog.open(on: sample.device, storages: sample.storages) }
      #expect(result.finding != nil)
    }
    let after = sample.device.state.withLock { state in
      state.names.mapValues { state.files[$0].bytes }
    }
    #expect(before == after)
  }

  @Test func `a flipped byte of a segment's header is refused with the file's name`() throws {
    let sample = try Self.sample()
    for name in try sample.device.fileNames() where name.hasSuffix(".log") {
      for offset in 0..<52 {
        let device = sample.device.image(.keeps)
        device.damage(name) { $0[offset] ^= 1 << UInt8(offset % 8) }
        let error = Result { try TestLog.open(on: device, storages: sample.storages.copies) }.error
        switch error {
        case .corrupted(let finding): #expect(finding.file.hasSuffix(name))
        case .unsupportedFormat(let path, _, _): #expect(path.hasSuffix(name))
        default: Issue.record("header byte \(offset) of \(name): \(String(describing: error))")
        }
      }
    }
  }

  @Test func `with either slot of the control file damaged the other one serves`() throws {
    let sample = try Self.sample()
    for slot in [0, Control.slotByteCount] {
      for offset in 0..<80 {
        let device = sample.device.image(.keeps)
        device.damage(Control.fileName) { $0[slot + offset] ^= 1 << UInt8(offset % 8) }
        let log = try TestLog.open(on: device, storages: sample.storages.copies)
        log.abandon()
        #expect(
          log.entries == sample.entries(first: sample.transactions.count), "byte \(offset)")
      }
    }
  }

  @Test func `with both slots of the control file damaged the log is refused`() throws {
    let sample = try Self.sample()
    for offset in 0..<80 {
      let device = sample.device.image(.keeps)
      device.damage(Control.fileName) { file in
        file[offset] ^= 0x10
        file[Control.slotByteCount + 79 - offset] ^= 0x10
      }
      let result = Result { try TestLog.open(on: device, storages: sample.storages.copies) }
      switch result.error {
      case .corrupted(let finding): #expect(finding.file.hasSuffix(Control.fileName))
      case .unsupportedFormat(let path, _, _): #expect(path.hasSuffix(Control.fileName))
      default: Issue.record("control byte \(offset): \(String(describing: result.error))")
      }
    }
  }
}

extension Result where Success == TestLog, Failure == any Error {
  var error: LogError? {
    if case .failure(let error) = self { error as? LogError } else { nil }
  }

  var finding: Finding? {
    if case .corrupted(let finding) = error { finding } else { nil }
  }
}
