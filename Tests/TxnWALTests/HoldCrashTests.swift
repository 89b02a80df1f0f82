import Glibc
import Testing

@testable import TxnWAL

/// What crashes, disks that fail and missing files do to holds.
@Suite struct HoldCrashTests {
  @Test(arguments: Crash.allCases)
  func `a hold is durable when it is made, and so is its release`(crash: Crash) throws {
    var log = try TestLog.open()
    try log.fill(segments: 3)
    let position = log.watermarks.durable
    _ = try log.retention.hold(from: .end, by: "standby", policy: .block)
    log = try log.crash(crash)
    let found = try #require(log.retention.hold(named: "standby"))
    #expect(found.position == position)
    let batches = try log.fill(segments: 5)
    #expect(try log.retention.cursor(of: found).drain().map(\.sequence) == batches.map(\.sequence))
    log = try log.crash(crash)
    let again = try #require(log.retention.hold(named: "standby"))
    #expect(log.retention.holds.first?.policy == .block)
    #expect(try log.retention.cursor(of: again).drain().map(\.sequence) == batches.map(\.sequence))
    try again.release()
    log = try log.crash(crash)
    #expect(log.retention.hold(named: "standby") == nil)
    log.abandon()
  }

  /// The power is cut after every operation of the device that making, advancing or releasing a hold takes.
  @Test func `a crash at any operation leaves a hold as it was or as it was to be`() throws {
    for (name, change) in [
      ("make", { _ = try $0.retention.hold(from: .end, by: "new") }),
      ("advance", { try $0.retention.hold(named: "old")!.advance(to: $0.watermarks.durable) }),
      ("release", { try $0.retention.hold(named: "old")!.release() }),
    ] as [(String, (TestLog) throws -> Void)] {
      var step = 0
      var isDone = false
      while !isDone {
        for crash in Crash.allCases {
          let log = try TestLog.open()
          _ = try log.retention.hold(from: .oldest, by: "old")
          try log.fill(segments: 6)
          let expected = log.entries.count
          log.device.cutPower(after: step)
          do {
            try change(log)
            try log.shorten()
            // Advancing has nobody to tell that the file could not be written.
            isDone = log.retention.statistics.saveFailure == nil
          } catch is LogError {
            isDone = false
          }
          let after = try log.crash(crash, seed: UInt64(step))
          for hold in after.retention.holds {
            #expect(hold.loss == nil, "\(name), step \(step), \(crash): \(hold)")
            let found = try #require(after.retention.hold(named: hold.name))
            // Whatever position it fell back to, everything from there on can be read.
            let seen = try after.retention.cursor(of: found).drain()
            #expect(seen.last?.end ?? hold.position == after.watermarks.durable)
            if hold.position == .zero { #expect(seen.count == expected) }
          }
          let names = after.retention.holds.map(\.name)
          if isDone {
            #expect(names == (name == "make" ? ["old", "new"] : name == "advance" ? ["old"] : []))
          }
          after.abandon()
        }
        step += 1
      }
      #expect(step > 5, "\(name)")
    }
  }

  @Test func `a hold falls back after a crash to a position that is kept, and not after a close`()
    throws
  {
    var log = try TestLog.open()
    let hold = try log.retention.hold(from: .oldest, by: "feed")
    let positions = try log.fill(segments: 6)
    for position in positions {
      try hold.advance(to: position.end)
      try log.shorten()
    }
    // What it has passed is gone, but for its last segment.
    #expect(log.retention.statistics.heldByteCount == 0)
    #expect(hold.position == positions.last?.end)
    log = try log.crash(.loses)
    let fallen = try #require(log.retention.hold(named: "feed"))
    #expect(fallen.position <= positions.last!.end)
    let rest = try log.retention.cursor(of: fallen).drain()
    #expect(rest.map(\.end) == positions.map(\.end).filter { $0 > fallen.position })
    try fallen.advance(to: positions.last!.end)
    log = try log.reopen()
    #expect(log.retention.hold(named: "feed")?.position == positions.last?.end)
    log.abandon()
  }

  @Test
  func `advancing writes the file once for each segment that becomes free, not for each batch`()
    throws
  {
    let log = try TestLog.open()
    let hold = try log.retention.hold(from: .oldest, by: "feed")
    let positions = try log.fill(segments: 10)
    // A fault that never comes counts the renames.
    log.device.fail(.init(operation: .rename, prefix: HoldsFile.name, skipping: 1000))
    for position in positions {
      try hold.advance(to: position.end)
      try log.shorten()
    }
    let count = 1000 - log.device.state.withLock { $0.faults[0].skipping }
    #expect(count > 5 && count <= 10 && positions.count > 30)
    log.abandon()
  }

  @Test func `a hold that cannot be written is not made, and one that cannot be unwritten stays`()
    throws
  {
    let log = try TestLog.open()
    let kept = try log.retention.hold(from: .end, by: "kept")
    for operation in [MemoryDevice.Operation.create, .write, .sync, .rename, .syncDirectory] {
      for code in [EIO, ENOSPC] {
        // The name of a rename is the old one; a directory has none. The keeper tries again by itself.
        let prefix = operation == .syncDirectory ? "" : HoldsFile.name
        log.device.fail(.init(operation: operation, prefix: prefix, count: .max, code: code))
        #expect(throws: LogError.self, "\(operation)") {
          try log.retention.hold(from: .end, by: "new")
        }
        #expect(log.retention.holds.map(\.name) == ["kept"])
        #expect(log.retention.statistics.saveFailure != nil)
        #expect(throws: LogError.self, "\(operation)") { try kept.release() }
        try kept.check()
        log.device.state.withLock { $0.faults = [] }
      }
    }
    // The log itself does not suffer, and the next attempt succeeds.
    try log.fill(segments: 3)
    _ = try log.retention.hold(from: .end, by: "new")
    #expect(log.retention.statistics.saveFailure == nil)
    let after = try log.crash(.loses)
    #expect(after.retention.holds.map(\.name) == ["kept", "new"])
    after.abandon()
  }

  @Test func `segments stay as long as the file of holds cannot say that they are not needed`()
    throws
  {
    var log = try TestLog.open()
    let hold = try log.retention.hold(from: .oldest, by: "feed")
    try log.fill(segments: 5)
    log.device.fail(.init(operation: .sync, prefix: HoldsFile.name, count: 1000))
    try hold.advance(to: log.watermarks.durable)
    try log.fill(segments: 3)
    #expect(try log.segmentNumbers.first == 0)
    #expect(log.retention.statistics.saveFailure != nil)
    let durable = log.watermarks.durable
    log = try log.crash(.loses)
    let found = try #require(log.retention.hold(named: "feed"))
    #expect(found.position == .zero)
    #expect(try log.retention.cursor(of: found).drain().last?.end == durable)
    log.abandon()
  }

  /// The disk takes no file of holds for good. The log is bounded all the same, and after a crash the hold, which would
  /// fall back too far, says that it is lost.
  @Test func `a file of holds that can never be written does not make the log grow for ever`()
    throws
  {
    for policy in HoldPolicy.allCases {
      let options = RetentionOptions.limited(toSegments: 4)
      var log = try TestLog.open(retention: options)
      let hold = try log.retention.hold(from: .oldest, by: "feed", policy: policy)
      log.device.fail(.init(operation: .sync, prefix: HoldsFile.name, count: .max))
      let cursor = try log.retention.cursor(of: hold)
      do {
        for _ in 0..<10 {
          try log.fill()
          #expect(try cursor.drain().count >= 4)
          try hold.advance(to: log.watermarks.durable)
        }
        #expect(policy == .invalidate)
      } catch LogError.logHeld {
        #expect(policy == .block)
      }
      try hold.check()
      #expect(try log.segmentNumbers.count <= 4 + OldSegments.retainedCount + 3)
      log = try log.crash(.loses, retention: options)
      #expect(log.retention.holds.map(\.loss) == [policy == .block ? nil : .segmentMissing])
      log.abandon()
    }
  }

  @Test func `a hold whose segment is missing when the log is opened is lost, and the log is not`()
    throws
  {
    for damage in ["removed", "header", "length"] {
      var log = try TestLog.open()
      _ = try log.retention.hold(from: .oldest, by: "feed")
      try log.fill(segments: 4)
      let later = try log.retention.hold(from: .end, by: "later")
      let batches = try log.fill(segments: 4)
      try log.coordinator.close()
      let name = LogGeometry.fileName(of: 2)
      switch damage {
      case "removed": log.device.discard(name)
      case "header": log.device.damage(name) { $0[33] ^= 1 }
      default: log.device.damage(name) { $0.removeLast(512) }
      }
      log = try .open(on: log.device, storages: log.storageImages())
      let lost = try #require(log.retention.hold(named: "feed"))
      let expected = LogError.holdLost(name: "feed", because: .segmentMissing)
      #expect(throws: expected) { try lost.check() }
      #expect(throws: expected) { try lost.advance(to: .zero) }
      #expect(throws: expected) { try log.retention.cursor(of: lost) }
      #expect(log.retention.oldest == later.position)
      let other = try #require(log.retention.hold(named: "later"))
      #expect(try log.retention.cursor(of: other).drain().map(\.end) == batches.map(\.end))
      // It stays lost, and its name taken, until its owner has seen that.
      log = try log.reopen()
      #expect(log.retention.holds.first?.loss == .segmentMissing)
      try log.retention.hold(named: "feed")!.release()
      log = try log.reopen()
      #expect(log.retention.holds.map(\.name) == ["later"])
      log.abandon()
    }
  }

  @Test func `a hold after the end of a log that was cut is lost`() throws {
    let log = try TestLog.open()
    let cut = try log.commit(Part(0, "kept")).end
    _ = try log.retention.hold(from: .end, by: "before")
    try log.commit(Part(0, "given up"))
    _ = try log.retention.hold(from: .end, by: "after")
    log.abandon()
    let image = log.device.image(.loses)
    try LogTruncation(at: cut, on: image, storeID: TestLog.storeID).carryOut(on: image)
    let after = try TestLog.open(on: image)
    #expect(after.retention.holds.map(\.loss) == [nil, .logShorter])
    after.abandon()
  }
}
