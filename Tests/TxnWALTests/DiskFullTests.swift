import Base
import Glibc
import Testing

@testable import TxnWAL

/// A disk that has no room for the next segment.
@Suite struct DiskFullTests {
  private static let page = [UInt8](repeating: 3, count: 1000)

  /// A log of `segmentCount` segments, all written, on a disk with `room` more bytes.
  private func full(segmentCount: Int = 2, room: Int = 0) throws -> TestLog {
    let log = try TestLog.open()
    while log.coordinator.segmentCount < segmentCount { try log.commit(Part(0, Self.page)) }
    log.device.limitRoom(to: log.device.usedByteCount + room)
    return log
  }

  /// Fills the log until there is no room, and returns the error that said so.
  private func fill(_ log: TestLog) throws -> LogError? {
    while true {
      do throws(LogError) {
        let appended = log.coordinator.sequence { $0.appended }
        if try !log.coordinator.hasRoom(for: Self.page.count + 100, appended: appended) {
          // The keeper has been asked; it tells in a moment.
          sched_yield()
          continue
        }
      } catch {
        return error
      }
      try log.commit(Part(0, Self.page))
    }
  }

  @Test func `hasRoom says that the disk is full, and works again when there is room`() throws {
    let log = try full()
    guard case .diskFull = try fill(log) else {
      Issue.record("not said")
      return
    }
    let count = log.watermarks.published
    #expect(count > 0)
    #expect(log.coordinator.poisoned == nil)
    log.device.limitRoom(to: nil)
    // The keeper tries again by itself.
    let appended = log.coordinator.sequence { $0.appended }
    while (try? log.coordinator.hasRoom(for: 8192, appended: appended)) != true { usleep(1000) }
    for _ in 0..<8 { try log.commit(Part(1, Self.page)) }
    let after = try log.crash(.loses)
    #expect(after.entries.count == Int(count) + 8)
    after.abandon()
  }

  @Test func `a checkpoint makes room on a full disk`() throws {
    let log = try full(segmentCount: 3)
    _ = try fill(log)
    for _ in 0..<20 {
      log.apply()
      try log.coordinator.checkpoint(waiting: true)
      let appended = log.coordinator.sequence { $0.appended }
      while (try? log.coordinator.hasRoom(for: 1100, appended: appended)) != true { usleep(1000) }
      try log.commit(Part(2, Self.page))
    }
    log.abandon()
  }

  /// The story: a stop right after a disk had been full told of a segment that nobody needed any more.
  @Test func `at the end a checkpoint is taken though there is no room for a segment`() throws {
    let log = try full()
    guard case .diskFull = try fill(log) else {
      Issue.record("not said")
      return
    }
    log.coordinator.stopWaiting()
    try log.coordinator.checkpoint(waiting: true)
    log.abandon()
  }

  @Test func `half a segment does not stay on a full disk`() throws {
    // Room for the header, not for the records; and a disk that says that it has more, as with a quota.
    let log = try full(room: SegmentHeader.byteCount)
    log.device.hideFullness(true)
    let used = log.device.usedByteCount
    _ = try fill(log)
    // The keeper has tried again, perhaps, and ends now.
    try log.coordinator.close()
    #expect(log.device.usedByteCount == used)
  }

  /// Story: twice a second the last free bytes of a disk that others used too were filled with zeros, to see
  /// whether there was room.
  @Test func `a disk without room for a segment is asked again and again, and not written to`()
    throws
  {
    let log = try full(room: TestLog.tinySegmentByteCount - 1)
    _ = try fill(log)
    let written = log.device.writtenByteCount
    let asked = log.device.askedRoomCount
    while log.device.askedRoomCount < asked + 3 { usleep(1000) }
    #expect(log.device.writtenByteCount == written)
    log.abandon()
  }

  @Test func `a segment leaves a margin for others`() throws {
    let geometry = LogGeometry(segmentByteCount: TestLog.tinySegmentByteCount)
    let need = geometry.segmentByteCount + geometry.marginByteCount
    let log = try full(room: need - 1)
    _ = try fill(log)
    let count = log.coordinator.segmentCount
    #expect(try log.device.availableByteCount() >= geometry.marginByteCount)
    let appended = log.coordinator.sequence { $0.appended }
    log.device.limitRoom(to: log.device.usedByteCount + need)
    while (try? log.coordinator.hasRoom(for: 1000, appended: appended)) != true { usleep(1000) }
    #expect(log.coordinator.segmentCount == count + 1)
    #expect(try log.device.availableByteCount() == geometry.marginByteCount)
    log.abandon()
  }

  @Test func `each attempt that fails doubles the pause before the next`() {
    var pause = RetryPause()
    #expect(pause.isOver(at: .zero))
    var now = Duration.seconds(100)
    for seconds in [0.5, 1, 2, 4, 8, 8, 8] {
      pause.failed(at: now)
      #expect(!pause.isOver(at: now + .seconds(seconds) - .milliseconds(1)))
      now += .seconds(seconds)
      #expect(pause.isOver(at: now))
      #expect(pause.isOver(at: .zero), "a clock that went back")
    }
    pause.succeeded()
    pause.failed(at: now)
    #expect(pause.isOver(at: now + .milliseconds(500)))
  }

  @Test func `writers that are refused for want of room go on when there is some`() throws {
    let log = try full()
    let before = Int(log.watermarks.published)
    let failures = Lock<[String]>([])
    let threads = (0..<3).map { thread in
      WorkerThread(name: "commit-\(thread)") {
        for _ in 0..<6 {
          var isDone = false
          while !isDone {
            do {
              try log.commit(Part(thread, Self.page))
              isDone = true
            } catch LogError.diskFull {
              sched_yield()
            } catch {
              failures.withLock { $0.append("\(error)") }
              isDone = true
            }
          }
        }
      }
    }
    while true {
      let appended = log.coordinator.sequence { $0.appended }
      let room = Result { () throws(LogError) in
        try log.coordinator.hasRoom(for: 8192, appended: appended)
      }
      if case .failure(.diskFull) = room { break }
      sched_yield()
    }
    log.device.limitRoom(to: nil)
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    let after = try log.crash(.loses)
    #expect(after.entries.count == before + 18)
    after.abandon()
  }

  /// The invariant behind "no event loop waits for disk space": on a full disk there is nothing in the buffer
  /// that could not be written at once, so the calls that write the log return, and so does `close`.
  @Test func `what does not fit is not ordered, and all that is ordered can be written`() throws {
    let log = try full()
    _ = try fill(log)
    let big = [Part(0, [UInt8](repeating: 1, count: 20_000))]
    let both = [
      Part(0, [UInt8](repeating: 1, count: 9_000)), Part(2, [UInt8](repeating: 1, count: 9_000)),
    ]
    let before = log.coordinator.appended
    var count = Int(log.watermarks.published)
    for parts in [big, both] { #expect(try log.appendIfItFits(parts) == nil) }
    #expect(log.coordinator.appended == before)
    #expect(throws: LogError.self) { try log.append(big) }
    // Down to the last byte of the last segment.
    while let position = try log.appendIfItFits([Part(1, [7])]) {
      count += 1
      if count % 3 == 0 { try log.coordinator.waitUntilAcknowledged(position.end) }
    }
    try log.coordinator.syncIfIdle()
    #expect(Int(log.watermarks.published) == count)
    try log.coordinator.close()
    let after = try TestLog.open(on: log.device.image(.loses))
    #expect(after.entries.count == count)
    after.abandon()
  }

  @Test func `a transaction that no segment is prepared for is a trap`() async {
    await #expect(processExitsWith: .failure) {
      let log = try TestLog.open()
      log.device.limitRoom(to: log.device.usedByteCount)
      _ = log.coordinator.sequence { sequencer in
        sequencer.begin()
        sequencer.beginSection(for: 0)
        sequencer.append([UInt8](repeating: 1, count: 200_000).rawSpan)
        return try? sequencer.commit()
      }
    }
  }

  @Test func `a segment that cannot be made for another reason is an error, and nothing is lost`()
    throws
  {
    let log = try TestLog.open()
    log.device.fail(.init(operation: .rename, code: EIO))
    let error = try fill(log)
    guard case .io(let failure) = error, failure.errno == EIO else {
      Issue.record("\(String(describing: error))")
      return
    }
    let count = Int(log.watermarks.published)
    for crash in Crash.allCases {
      let image = log.device.image(crash, seed: 2)
      let after = try TestLog.open(on: image)
      #expect(after.entries.count == count)
      after.abandon()
    }
    log.abandon()
  }
}
