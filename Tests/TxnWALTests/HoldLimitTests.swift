import Base
import Glibc
import Testing

@testable import TxnWAL

/// Holds that would keep too much, and disks that have too little room for what they keep.
@Suite struct HoldLimitTests {
  private static let limit = 4

  private static func isLost(_ hold: LogHold, because loss: HoldLoss) -> Bool {
    do throws(LogError) {
      try hold.check()
      return false
    } catch {
      return error == .holdLost(name: hold.name, because: loss)
    }
  }

  /// Waits for the keeper.
  private func wait(until isDone: () throws -> Bool) rethrows {
    while try !isDone() { usleep(1000) }
  }

  @Test func `a hold that keeps more than the limit is lost, and the log goes on`() throws {
    var log = try TestLog.open(retention: .limited(toSegments: Self.limit))
    let hold = try log.retention.hold(from: .oldest, by: "forgotten")
    let temporary = try log.retention.holdTemporarily(from: .oldest, by: "slow")
    let cursor = try log.retention.cursor(of: hold)
    var most = 0
    for _ in 0..<12 {
      try log.fill()
      most = max(most, log.retention.statistics.heldByteCount)
    }
    #expect(most == Self.limit * TestLog.tinySegmentByteCount)
    for hold in [hold, temporary] {
      #expect(Self.isLost(hold, because: .overLimit))
      #expect(throws: LogError.holdLost(name: hold.name, because: .overLimit)) {
        try hold.advance(to: log.watermarks.durable)
      }
    }
    #expect(throws: LogError.holdLost(name: "forgotten", because: .overLimit)) {
      try cursor.next(wait: .zero)
    }
    #expect(try log.segmentNumbers.count <= OldSegments.retainedCount + 2)
    let statistics = log.retention.statistics
    #expect(statistics.holdCount == 0 && statistics.lostHoldCount == 2)
    #expect(statistics.oldestHold == nil && statistics.heldByteCount == 0)
    // It stays lost over a crash.
    log = try log.crash(.loses)
    #expect(log.retention.holds.map(\.loss) == [.overLimit])
    #expect(log.entries.count == Int(log.watermarks.published))
    log.abandon()
  }

  @Test func `only the holds that keep too much are lost`() throws {
    let log = try TestLog.open(retention: .limited(toSegments: Self.limit))
    let old = try log.retention.hold(from: .oldest, by: "old")
    try log.fill(segments: 2)
    let young = try log.retention.hold(from: .end, by: "young")
    let end = young.position
    try log.fill(segments: Self.limit)
    #expect(Self.isLost(old, because: .overLimit))
    try young.check()
    #expect(log.retention.oldest == end)
    #expect(try log.retention.cursor(of: young).drain().last?.end == log.watermarks.durable)
    log.abandon()
  }

  @Test func `a hold that blocks stops appends at the limit, not reads, until it moves`() throws {
    let log = try TestLog.open(retention: .limited(toSegments: Self.limit))
    let hold = try log.retention.hold(from: .oldest, by: "standby", policy: .block)
    let refusal = try refusalOfWrites(log)
    guard case .logHeld(by: "standby", let byteCount, let limit) = refusal else {
      Issue.record("\(refusal)")
      return
    }
    #expect(limit == Self.limit * TestLog.tinySegmentByteCount && byteCount > limit)
    #expect("\(refusal)".contains("standby"))
    try hold.check()
    let total = try log.segmentNumbers.count
    #expect(total <= Self.limit + 4)
    // Reads, checkpoints and what was ordered go on.
    try log.shorten()
    let seen = try log.retention.cursor(of: hold).drain()
    #expect(seen.count == Int(log.watermarks.published))
    #expect(log.coordinator.poisoned == nil)

    try hold.advance(to: log.watermarks.durable)
    try log.fill(segments: 2)
    #expect(try log.segmentNumbers.first! > 0)

    _ = try refusalOfWrites(log)
    try hold.release()
    try log.fill(segments: 6)
    log.abandon()
  }

  /// Writes until the log refuses, and returns the error.
  private func refusalOfWrites(_ log: TestLog) throws -> LogError {
    while true {
      do throws(LogError) {
        if try !log.coordinator.hasRoom(for: 2000, appended: log.coordinator.appended) {
          sched_yield()
          continue
        }
      } catch {
        return error
      }
      try log.commit(Part(0, TestLog.page(1)))
      try log.shorten()
    }
  }

  @Test func `a log that a hold blocks is closed, and opened again, as usual`() throws {
    var log = try TestLog.open(retention: .limited(toSegments: Self.limit))
    _ = try log.retention.hold(from: .oldest, by: "standby", policy: .block)
    _ = try refusalOfWrites(log)
    log.coordinator.stopWaiting()
    log.apply()
    try log.coordinator.checkpoint(waiting: true)
    log = try log.crash(.loses, retention: .limited(toSegments: Self.limit))
    let refusal = try refusalOfWrites(log)
    #expect(
      refusal
        == .logHeld(
          by: "standby", byteCount: log.retention.holds[0].byteCount,
          limit: Self.limit * TestLog.tinySegmentByteCount))
    try log.retention.hold(named: "standby")!.release()
    try log.fill(segments: 3)
    log.abandon()
  }

  @Test func `a limit that was lowered applies at the next opening`() throws {
    var log = try TestLog.open()
    _ = try log.retention.hold(from: .oldest, by: "feed")
    try log.fill(segments: 8)
    log = try log.crash(.loses, retention: .limited(toSegments: Self.limit))
    wait { log.retention.statistics.lostHoldCount == 1 }
    try log.shorten()
    #expect(try log.segmentNumbers.count <= OldSegments.retainedCount + 2)
    log.abandon()
  }

  /// With a disk that says that it has more, as with a quota, nothing is noticed before a segment fails.
  @Test(arguments: [false, true])
  func `on a full disk a hold gives way to new records`(isQuota: Bool) throws {
    let log = try TestLog.open()
    let hold = try log.retention.hold(from: .oldest, by: "feed")
    try log.fill(segments: 6)
    if isQuota { log.device.hideFullness(true) }
    log.device.limitRoom(to: log.device.usedByteCount)
    try log.fill(segments: 4)
    #expect(Self.isLost(hold, because: .diskShort))
    #expect(log.coordinator.poisoned == nil)
    let after = try log.crash(.loses)
    #expect(after.entries.count == Int(log.watermarks.published))
    after.abandon()
  }

  /// The participants share the disk: it must not be full of log before holds give way.
  @Test func `holds give way while there is still room, without any writes`() throws {
    let log = try TestLog.open()
    let hold = try log.retention.hold(from: .oldest, by: "feed")
    try log.fill(segments: 6)
    let used = log.device.usedByteCount
    log.device.limitRoom(to: used + 3 * TestLog.tinySegmentByteCount)
    wait { Self.isLost(hold, because: .diskShort) }
    try wait { try log.segmentNumbers.count <= OldSegments.retainedCount + 2 }
    #expect(log.device.usedByteCount < used)
    log.abandon()
  }

  @Test func `on a short disk holds are lost one by one, the oldest first, until there is room`()
    throws
  {
    let log = try TestLog.open()
    let old = try log.retention.hold(from: .oldest, by: "old")
    try log.fill(segments: 8)
    let young = try log.retention.hold(from: .end, by: "young")
    try log.fill(segments: 2)
    log.device.limitRoom(to: log.device.usedByteCount)
    try log.shorten()
    #expect(Self.isLost(old, because: .diskShort))
    try young.check()
    log.abandon()
  }

  @Test func `on a full disk a hold that blocks stays, and writes are refused until there is room`()
    throws
  {
    let log = try TestLog.open()
    let hold = try log.retention.hold(from: .oldest, by: "standby", policy: .block)
    let young = try log.retention.hold(from: .end, by: "young")
    try log.fill(segments: 6)
    log.device.limitRoom(to: log.device.usedByteCount)
    guard case .diskFull = try refusalOfWrites(log) else {
      Issue.record("the disk is full, and that is not what was said")
      return
    }
    try hold.check()
    // Losing it would free nothing.
    try young.check()
    try young.advance(to: log.watermarks.durable)
    try hold.advance(to: log.watermarks.durable)
    // The file of holds needs a little room itself.
    log.device.limitRoom(to: log.device.usedByteCount + 2000)
    try log.shorten()
    try log.fill(segments: 2)
    log.abandon()
  }

  @Test func `the default limits are those that are documented`() {
    let options = RetentionOptions()
    #expect(options.byteLimit == 16 << 30)
    #expect(options.leastFreeByteCount(segmentByteCount: 64 << 20) == 256 << 20)
  }
}
