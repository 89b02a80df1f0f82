import Base
import Testing

@testable import TxnWAL

/// What recovery needs of memory does not depend on how long the log is.
@Suite struct RecoveryMemoryTests {
  /// A log in which `count` intents follow one another, none of which was decided: as many crashes would
  /// leave it.
  private func logOfIntents(_ count: Int, padding: Int) throws -> MemoryDevice {
    let segmentByteCount = 1 << 20
    let log = try TestLog.open(segmentByteCount: segmentByteCount)
    let geometry = log.coordinator.geometry
    log.coordinator.requestSync()
    var buffer = LogBuffer()
    for number in 1...count {
      let offset = buffer.byteCount
      buffer.appendHole(RecordHeader.byteCount)
      buffer.append(0 as UInt64)
      for participant in 0..<2 {
        buffer.append(UInt32(participant))
        buffer.append(UInt32(padding))
        buffer.append([UInt8](repeating: 1, count: padding).rawSpan)
      }
      let payloadByteCount = buffer.byteCount - offset - RecordHeader.byteCount
      buffer.pad()
      buffer.seal(
        RecordHeader(
          payloadByteCount: payloadByteCount, lsn: LSN.zero.advanced(by: offset),
          syncedDistance: .max, transaction: TransactionID(epoch: 1, counter: UInt64(number)),
          kind: .intent), at: offset, seed: TestLog.storeID.checksumSeed)
    }
    while log.coordinator.segmentCount * geometry.capacity < buffer.byteCount {
      try log.commit(Part(0, [UInt8](repeating: 2, count: 500_000)))
    }
    log.abandon()
    let device = log.device.image(.keeps)
    let end = LSN.zero.advanced(by: log.coordinator.segmentCount * geometry.capacity)
    let bytes = buffer.withBytes(in: 0..<buffer.byteCount) { [UInt8](copying: $0) }
    let rest = [UInt8](repeating: 0, count: end.distance(from: LSN.zero) - bytes.count)
    device.overwrite(bytes + rest, at: .zero, geometry)
    return device
  }

  /// Story: every intent's name was kept until the end of recovery, and each that was never decided with the
  /// piece of the log that it was read in.
  @Test func `intents that were never decided are counted, and only the first are named`() throws {
    let device = try logOfIntents(3000, padding: 8)
    let log = try TestLog.open(on: device)
    #expect(log.report.presumedAbortedCount == 3000)
    #expect(
      log.report.presumedAborted
        == (1...RecoveryReport.namedCount).map { TransactionID(epoch: 1, counter: UInt64($0)) })
    #expect(log.entries.isEmpty)
    log.abandon()
  }

  @Test func `intents that were never decided do not stay in memory`() throws {
    let device = try logOfIntents(160, padding: 30_000)
    let log = try TestLog.open(on: device)
    #expect(log.report.presumedAbortedCount == 160)
    #expect(log.report.end.rawValue > 8 << 20)
    // The window that is read, the one before it, and the one that is being made.
    #expect(log.report.peakWindowByteCount < 4 << 20)
    log.abandon()
  }

  /// Each participant once kept the window of its last item until it had more to do.
  @Test func `many participants with a little each do not keep the log in memory`() throws {
    let windowByteCount = 64 << 10
    let limit = 4 * windowByteCount
    let participants = TestLog.storages(40).map { FakeParticipant($0) }
    let workers = ReplayWorkers(participants, windowByteLimit: limit)
    let account = WindowMemoryBudget()
    for number in 0..<120 {
      let start = LSN.zero.advanced(by: number * windowByteCount)
      let window = LogWindow(
        start: start, bytes: [UInt8](repeating: 5, count: windowByteCount), account: account)
      let position = CommitPosition(
        sequence: UInt64(number) + 1, end: start.advanced(by: windowByteCount))
      workers.hand(
        ReplayWorkers.Item(window: window, range: 0..<8, position: position),
        to: number % participants.count)
      workers.makeRoom(in: account, own: windowByteCount)
    }
    try workers.finish()
    #expect(account.peak <= limit + 2 * windowByteCount)
    #expect(participants.map { $0.entries.count } == [Int](repeating: 3, count: 40))
  }
}
