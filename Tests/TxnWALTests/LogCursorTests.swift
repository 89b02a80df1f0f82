import Base
import Glibc
import Testing

@testable import TxnWAL

/// What a cursor shows: every committed batch, whole, once, in order, and only once it is durable.
@Suite struct LogCursorTests {
  @Test func `a cursor shows every committed batch with its place and its sections`() throws {
    let log = try TestLog.open()
    let cursor = try log.retention.cursor(from: .oldest)
    let first = try log.commit(Part(2, "alone"))
    log.participants[1].refuse(Refusal(code: 1, detail: 2))
    #expect(throws: Refusal.self) { try log.append([Part(0, "refused"), Part(1, "no")]) }
    #expect(throws: Refusal.self) { try log.append([Part(1, "no")]) }
    log.participants[1].refuse(nil)
    let parts = [Part(0, "left"), Part(1, "right"), Part(0, "left again"), Part(2, [])]
    let second = try log.commit(parts)

    let one = try #require(try cursor.next(wait: .zero))
    #expect(one.seen == SeenBatch(sequence: 1, end: first.end, parts: [Part(2, "alone")]))
    #expect(one.start == .zero && one.sectionCount == 1)
    #expect(cursor.position == first.end)
    let two = try #require(try cursor.next(wait: .zero))
    #expect(two.seen == SeenBatch(sequence: 2, end: second.end, parts: parts))
    #expect(two.sectionCount == 4)
    #expect(two.start > first.end, "the refused transaction lies between")
    #expect(cursor.position == second.end)
    let ids = log.participants[0].calls.compactMap { call in
      if case .prepare(let id, _) = call { id } else { nil }
    }
    #expect(two.transaction == ids.last)
    #expect(try cursor.next(wait: .zero) == nil)
    log.abandon()
  }

  @Test func `a cursor begins at the oldest position, at the end, or after any batch`() throws {
    let log = try TestLog.open()
    try log.fill(segments: 3)
    let hold = try log.retention.hold(from: .end, by: "feed")
    let positions = try log.fill(segments: 3)
    #expect(try log.retention.cursor(from: .oldest).drain().map(\.end) == positions.map(\.end))
    #expect(try log.retention.cursor(of: hold).drain().map(\.end) == positions.map(\.end))
    let end = try log.retention.cursor(from: .end)
    #expect(try end.drain() == [])
    for (index, position) in positions.enumerated() {
      let rest = try log.retention.cursor(from: .at(position.end)).drain()
      #expect(rest.map(\.sequence) == positions[(index + 1)...].map(\.sequence))
    }
    let next = try log.commit(Part(0, "next"))
    #expect(try end.drain().map(\.sequence) == [next.sequence])
    log.abandon()
  }

  @Test(arguments: [1, 4000, 4056, 4096, 8192, 20_000])
  func `batches over segments come whole, with one participant and with several`(byteCount: Int)
    throws
  {
    var generator = SeededGenerator(UInt64(byteCount))
    let log = try TestLog.open()
    let live = try log.retention.cursor(from: .end)
    let hold = try log.retention.hold(from: .end, by: "late")
    var expected: [SeenBatch] = []
    for index in 0..<6 {
      var parts = [Part(0, generator.bytes(byteCount + index))]
      if index % 2 == 0 { parts.append(Part(1, generator.bytes(index))) }
      let position = try log.commit(parts)
      expected.append(SeenBatch(sequence: position.sequence, end: position.end, parts: parts))
      #expect(try live.drain() == [expected[index]])
      try log.shorten()
    }
    #expect(try log.retention.cursor(of: hold).drain() == expected)
    log.abandon()
  }

  @Test func `a value of 64 MiB comes whole, and takes its memory once`() throws {
    let value = [UInt8](unsafeUninitializedCapacity: 64 << 20) { buffer, count in
      for index in stride(from: 0, to: buffer.count, by: 4096) {
        buffer[index] = UInt8(truncatingIfNeeded: index >> 12)
      }
      count = buffer.count
    }
    let log = try TestLog.open(segmentByteCount: 16 << 20)
    let cursor = try log.retention.cursor(from: .end)
    try log.commit(Part(1, value))
    try log.commit(Part(0, "small"))
    let batch = try #require(try cursor.next(wait: .zero))
    batch.forEachSection { participant, mutations in
      #expect(participant == 1 && mutations.byteCount == value.count)
      #expect(
        mutations.withUnsafeBytes { bytes in value.withUnsafeBytes { bytes.elementsEqual($0) } })
    }
    #expect(try cursor.drain().map(\.parts) == [[Part(0, "small")]])
    log.abandon()
  }

  @Test func `what is in doubt is not shown, before recovery and after it`() throws {
    let log = try TestLog.open()
    try log.commit(Part(0, "before"))
    log.device.gate.hold()
    let start = log.coordinator.appended
    try log.append([Part(0, "in doubt"), Part(1, "in doubt")])
    log.coordinator.requestSync()
    log.device.gate.waitForSync()
    let image = log.device.image(.keeps)
    log.abandon()
    // Of the group, the marker did not get to the disk.
    let marker = try #require(image.records(from: start).first).end
    image.overwrite([UInt8](repeating: 0, count: 48), at: marker)

    let after = try TestLog.open(on: image)
    #expect(after.report.presumedAborted.count == 1)
    let cursor = try after.retention.cursor(from: .oldest)
    #expect(try cursor.drain().map(\.sequence) == [1])
    #expect(cursor.position == start, "a cursor that is made here sees whatever comes")
    try after.commit(Part(2, "after"))
    try after.commit(Part(0, "and"), Part(1, "later"))
    #expect(try cursor.drain().map(\.sequence) == [2, 3])
    #expect(try after.retention.cursor(from: .at(start)).drain().map(\.sequence) == [2, 3])
    after.abandon()
  }

  @Test func `a cursor shows nothing that a power cut may still take`() throws {
    for durability in [Durability.sync, .periodic] {
      let log = try TestLog.open(durability: durability)
      let cursor = try log.retention.cursor(from: .end)
      try log.commit(Part(0, "first"))
      try log.coordinator.waitUntilDurable(log.watermarks.appended)
      #expect(try cursor.drain().count == 1)
      log.device.gate.hold()
      try log.append([Part(0, "written, not synced")])
      log.coordinator.requestSync()
      log.device.gate.waitForSync()
      #expect(try cursor.drain() == [])
      log.device.gate.release()
      #expect(try cursor.next()?.sequence == 2)
      log.abandon()
    }
  }

  /// Of the log as of any moment, a cursor shows only what a crash at that moment keeps.
  @Test(arguments: Durability.allCases)
  func `what a cursor has shown survives every crash`(durability: Durability) throws {
    for crash in Crash.allCases {
      let log = try TestLog.open(durability: durability)
      let cursor = try log.retention.cursor(from: .end)
      var seen: [SeenBatch] = []
      for number in 0..<12 {
        try log.append([Part(0, TestLog.page(number)), Part(1, "x")])
        if number % 3 == 0 { log.coordinator.requestSync() }
        if number % 5 == 0 { try log.coordinator.waitUntilDurable(log.coordinator.appended) }
        seen += try cursor.drain()
      }
      let after = try log.crash(crash, seed: 9, durability: durability)
      let kept = try after.retention.cursor(from: .oldest).drain()
      #expect(seen.count >= 6)
      #expect(Array(kept.prefix(seen.count)) == seen)
      after.abandon()
    }
  }

  @Test func `a cursor with a hold of its own lets go of what it has passed`() throws {
    let log = try TestLog.open()
    let cursor = try log.retention.cursor(from: .oldest, by: "feed")
    let hold = try #require(log.retention.holds.first)
    #expect(hold.isTemporary && hold.name == "feed")
    try log.fill(segments: 6)
    #expect(try log.segmentNumbers.first == 0)
    while let batch = try cursor.next(wait: .zero) {
      #expect(log.retention.holds.first?.position == batch.end)
    }
    try log.shorten()
    #expect(try log.segmentNumbers.count <= OldSegments.retainedCount + 2)
    log.abandon()
  }

  @Test func `a cursor of a hold does not move it`() throws {
    let log = try TestLog.open()
    let hold = try log.retention.hold(from: .oldest, by: "feed")
    try log.fill(segments: 3)
    let cursor = try log.retention.cursor(of: hold)
    let all = try cursor.drain()
    #expect(hold.position == .zero)
    #expect(try log.retention.cursor(of: hold).drain() == all)
    try hold.release()
    #expect(throws: LogError.self) { try cursor.next(wait: .zero) }
    log.abandon()
  }

  /// Every segment becomes several others while the cursor has it open.
  @Test func `a cursor without a hold that falls behind is told so, whatever its segment is now`()
    throws
  {
    var refusedCount = 0
    for count in 1...12 {
      let log = try TestLog.open()
      var all = [try log.commit(Part(0, TestLog.page(0)))]
      let cursor = try log.retention.cursorWithoutHold(from: .oldest)
      var seen = try cursor.drain().map(\.sequence)
      #expect(seen == [1])
      #expect(log.retention.holds == [])
      all += try log.fill(segments: count)
      do throws(LogError) {
        // What has not been written over yet may still be shown.
        while let batch = try cursor.next(wait: .zero) { seen.append(batch.sequence) }
        #expect(seen == all.map(\.sequence))
      } catch {
        refusedCount += 1
        #expect(error == .notKept(cursor.position, oldest: log.retention.oldest))
        #expect(cursor.position < log.retention.oldest)
        #expect(seen == all.prefix(seen.count).map(\.sequence))
        #expect(throws: error) { try cursor.next(wait: .zero) }
      }
      // From the oldest position on everything is there again.
      let oldest = log.retention.oldest
      let rest = try log.retention.cursor(from: .oldest).drain().map(\.end)
      #expect(rest == all.map(\.end).filter { $0 > oldest })
      log.abandon()
    }
    #expect(refusedCount > 6)
  }

  @Test func `damage in what a cursor reads is an error with its place, again and again`() throws {
    let log = try TestLog.open()
    let ends = try (0..<6).map { try log.commit(Part(0, TestLog.page($0))).end }
    for index in 1..<6 {
      for offset in [0, 9, 20, 33, 60, 900] {
        let lsn = ends[index - 1].advanced(by: offset)
        log.device.flip(at: lsn)
        let cursor = try log.retention.cursor(from: .oldest)
        for _ in 0..<index { #expect(try cursor.next(wait: .zero) != nil) }
        for _ in 0..<2 {
          guard
            case .corrupted(let finding)? = #expect(
              throws: LogError.self,
              performing: {
                try cursor.next(wait: .zero)
              })
          else {
            Issue.record("byte \(offset) of batch \(index) is not reported")
            return
          }
          #expect(finding.file.hasSuffix(MemoryDevice.fileName(at: ends[index - 1])))
          #expect(finding.offset == UInt64(MemoryDevice.tiny.fileOffset(of: ends[index - 1])))
        }
        #expect(cursor.position == ends[index - 1])
        log.device.flip(at: lsn)
        #expect(try cursor.next(wait: .zero)?.end == ends[index])
      }
    }
    log.abandon()
  }

  @Test func `a poisoned log shows what was durable, and then its error`() throws {
    let log = try TestLog.open()
    let cursor = try log.retention.cursor(from: .end)
    try log.commit(Part(0, "kept"))
    log.device.fail(.init(operation: .sync, prefix: "0"))
    #expect(throws: LogError.self) { try log.commit(Part(1, "failed")) }
    #expect(try cursor.next()?.sequence == 1)
    let poison = try #require(log.coordinator.poisoned)
    #expect(throws: poison) { try cursor.next() }
    #expect(throws: poison) { try cursor.next(wait: .zero) }
    // Holds and new cursors still work.
    #expect(try log.retention.cursor(from: .oldest).next()?.sequence == 1)
    try log.retention.hold(from: .oldest, by: "late").release()
    log.abandon()
  }

  @Test func `a closed log, and a closed cursor, end a cursor`() throws {
    let log = try TestLog.open()
    let first = try log.retention.cursor(from: .end)
    let second = try log.retention.cursor(from: .end)
    try log.commit(Part(0, "x"))
    first.close()
    #expect(throws: LogError.closed) { try first.next() }
    #expect(try second.next()?.sequence == 1)
    try log.coordinator.close()
    #expect(throws: LogError.closed) { try second.next() }
  }

  @Test func `a cursor inside of an evaluation is a trap, not a deadlock`() async {
    await #expect(processExitsWith: .failure) {
      let log = try TestLog.open()
      let cursor = try log.retention.cursor(from: .end)
      _ = log.coordinator.sequence { _ in try? cursor.next(wait: .zero) }
    }
  }
}
