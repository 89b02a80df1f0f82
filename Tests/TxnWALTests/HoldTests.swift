import Base
import Glibc
import Testing

@testable import TxnWAL

/// Holds: made, advanced, released and found again.
@Suite struct HoldTests {
  @Test func `what a hold keeps is there until it is released`() throws {
    let log = try TestLog.open()
    let hold = try log.retention.hold(from: .oldest, by: "feed")
    try log.fill(segments: 8)
    #expect(try log.segmentNumbers.first == 0)
    #expect(log.retention.oldest == .zero)
    let summary = try #require(log.retention.holds.first)
    #expect(summary.name == "feed" && summary.position == .zero && summary.loss == nil)
    #expect(summary.byteCount >= 7 * TestLog.tinySegmentByteCount)
    #expect(log.retention.statistics.heldByteCount == summary.byteCount)
    #expect(log.retention.statistics.oldestHold == summary)
    try hold.release()
    try log.shorten()
    #expect(try log.segmentNumbers.count <= OldSegments.retainedCount + 2)
    #expect(log.retention.oldest == log.coordinator.checkpoint)
    #expect(log.retention.holds == [])
    log.abandon()
  }

  @Test func `without a hold nothing is kept`() throws {
    let log = try TestLog.open()
    try log.fill(segments: 8)
    #expect(try log.segmentNumbers.count <= OldSegments.retainedCount + 2)
    #expect(log.retention.statistics.heldByteCount == 0)
    #expect(try !log.device.fileNames().contains(HoldsFile.name))
    log.abandon()
  }

  @Test func `an earlier position changes nothing, one that is not durable is refused`() throws {
    let log = try TestLog.open()
    let hold = try log.retention.hold(from: .oldest, by: "feed")
    let first = try log.commit(Part(0, "a")).end
    let second = try log.commit(Part(0, "b")).end
    try hold.advance(to: second)
    try hold.advance(to: first)
    #expect(hold.position == second)
    let late = try log.append([Part(0, "c")]).end
    #expect(throws: LogError.notABatch(late)) { try hold.advance(to: late) }
    #expect(throws: LogError.notABatch(late)) { try log.retention.hold(from: .at(late), by: "x") }
    log.abandon()
  }

  @Test func `a hold from a position that is gone names the oldest one`() throws {
    let log = try TestLog.open()
    let first = try log.commit(Part(0, "a")).end
    try log.fill(segments: 4)
    let keeper = try log.retention.hold(from: .end, by: "keeper")
    try log.fill(segments: 4)
    for make in [
      { _ = try log.retention.hold(from: .at(first), by: "late") },
      { _ = try log.retention.holdTemporarily(from: .at(first), by: "late") },
      { _ = try log.retention.cursor(from: .at(first)) },
      { _ = try log.retention.cursorWithoutHold(from: .at(first)) },
    ] {
      #expect(throws: LogError.notKept(first, oldest: keeper.position), performing: make)
    }
    #expect(log.retention.holds.map(\.name) == ["keeper"])
    // The oldest one itself is kept.
    let oldest = try log.retention.hold(from: .oldest, by: "oldest")
    #expect(oldest.position == keeper.position)
    #expect(
      try log.retention.hold(from: .at(keeper.position), by: "at").position == keeper.position)
    log.abandon()
  }

  @Test func `a hold begins where a batch begins, and nowhere else`() throws {
    let log = try TestLog.open()
    let ends = try [
      log.commit(Part(0, "one")), log.commit(Part(0, "two"), Part(1, "three")),
      log.commit(Part(2, "four")),
    ].map(\.end)
    let starts = [LSN.zero] + ends
    for raw in UInt64(0)...ends[2].rawValue + 16 {
      let lsn = LSN(rawValue: raw)
      if starts.contains(lsn) {
        #expect(try log.retention.holdTemporarily(from: .at(lsn), by: "x").position == lsn)
      } else {
        // In the middle of a record, at a marker, or after the end.
        #expect(throws: LogError.notABatch(lsn)) {
          try log.retention.holdTemporarily(from: .at(lsn), by: "x")
        }
      }
    }
    #expect(log.retention.holds == [])
    log.abandon()
  }

  @Test func `a name is taken until it is released`() throws {
    let log = try TestLog.open()
    let first = try log.retention.hold(from: .end, by: "feed")
    #expect(throws: LogError.self) { try log.retention.hold(from: .end, by: "feed") }
    // Temporary holds share names with each other and with named ones.
    let temporary = try log.retention.holdTemporarily(from: .end, by: "feed")
    #expect(log.retention.holds.map(\.isTemporary) == [false, true])
    try first.release()
    #expect(throws: LogError.self) { try first.check() }
    #expect(throws: LogError.self) { try first.advance(to: .zero) }
    #expect(throws: LogError.self) { try first.release() }
    let second = try log.retention.hold(from: .end, by: "feed")
    try second.check()
    #expect(throws: LogError.self) { try first.release() }
    try second.check()
    _ = temporary
    log.abandon()
  }

  @Test func `there are at most 256 named holds`() throws {
    let log = try TestLog.open()
    for number in 0..<256 { _ = try log.retention.hold(from: .end, by: "h\(number)") }
    #expect(throws: LogError.self) { try log.retention.hold(from: .end, by: "one-more") }
    try log.retention.hold(named: "h7")!.release()
    _ = try log.retention.hold(from: .end, by: "one-more")
    let after = try log.crash(.loses)
    #expect(after.retention.holds.count == 256)
    after.abandon()
  }

  @Test func `a temporary hold ends with its object, and with the process`() throws {
    var log = try TestLog.open()
    do {
      let hold = try log.retention.holdTemporarily(from: .oldest, by: "backup")
      try log.fill(segments: 6)
      #expect(try log.segmentNumbers.first == 0)
      #expect(hold.isTemporary && hold.name == "backup")
    }
    #expect(log.retention.holds == [])
    try log.shorten()
    #expect(try log.segmentNumbers.count <= OldSegments.retainedCount + 2)
    let other = try log.retention.holdTemporarily(from: .end, by: "backup")
    log = try log.crash(.keeps)
    #expect(log.retention.holds == [])
    _ = other
    log.abandon()
  }

  @Test func `tools see the holds, and what they keep`() throws {
    let log = try TestLog.open()
    _ = try log.retention.hold(from: .oldest, by: "feed")
    try log.fill(segments: 4)
    let inspector = try LogInspector(on: log.device.image(.loses), storeID: TestLog.storeID)
    let hold = try #require(inspector.summary.holds.first)
    #expect(hold == log.retention.holds.first)
    #expect("\(hold)" == "feed: from LSN 0, keeps \(hold.byteCount) bytes")
    log.abandon()
  }

  @Test func `inside of an evaluation a hold is a trap, not a deadlock`() async {
    await #expect(processExitsWith: .failure) {
      let log = try TestLog.open()
      _ = log.coordinator.sequence { _ in try? log.retention.hold(from: .end, by: "x") }
    }
  }

  @Test func `after close there are no holds to be made`() throws {
    let log = try TestLog.open()
    let hold = try log.retention.hold(from: .end, by: "feed")
    try log.coordinator.close()
    #expect(throws: LogError.closed) { try log.retention.hold(from: .end, by: "late") }
    #expect(throws: LogError.closed) { try log.retention.cursor(from: .end) }
    #expect(throws: LogError.closed) { try hold.release() }
    let after = try TestLog.open(on: log.device.image(.loses))
    #expect(after.retention.holds.map(\.name) == ["feed"])
    after.abandon()
  }
}
