import Testing

@testable import TxnWAL

/// Records that are larger than what is left of a segment, than a segment, than several.
@Suite struct LargeRecordTests {
  @Test(arguments: [1, 4000, 4049, 4050, 4056, 4096, 8192, 3 * 4096 - 56, 3 * 4096, 20_000])
  func `a record of any length comes back whole`(byteCount: Int) throws {
    var generator = SeededGenerator(UInt64(byteCount))
    let log = try TestLog.open()
    var expected: [UInt64: [Part]] = [:]
    for index in 0..<4 {
      let parts = [Part(0, generator.bytes(byteCount + index)), Part(1, generator.bytes(index))]
      expected[UInt64(index) + 1] = index == 3 ? [parts[0]] : parts
      try log.commit(expected[UInt64(index) + 1]!)
    }
    let after = try log.crash(.loses)
    #expect(after.entries == expected)
    after.abandon()
  }

  @Test func `a record header that spans two segments is read`() throws {
    for missing in stride(from: 8, through: 48, by: 8) {
      let log = try TestLog.open()
      // Behind this record `missing` bytes of the segment are left.
      let payload = MemoryDevice.tiny.capacity - missing - RecordHeader.byteCount - 16
      let end = try log.commit(Part(0, [UInt8](repeating: 1, count: payload))).end
      #expect(MemoryDevice.tiny.remaining(from: end) == missing)
      try log.commit(Part(1, "over"), Part(2, "the border"))
      let after = try log.crash(.loses)
      #expect(after.entries.count == 2)
      #expect(after.entries[2] == [Part(1, "over"), Part(2, "the border")])
      after.abandon()
    }
  }

  @Test func `a record over three segments is whole or absent, wherever the write tears`() throws {
    let log = try TestLog.open()
    try log.commit(Part(0, "before"))
    var generator = SeededGenerator(5)
    let payload = generator.bytes(3 * 4096)
    log.device.gate.hold()
    let position = try log.append([Part(0, payload), Part(1, payload)])
    log.coordinator.requestSync()
    log.device.gate.waitForSync()
    let images = Crash.allCases.flatMap { crash in
      (0..<20).map { log.device.image(crash, seed: UInt64($0)) }
    }
    log.abandon()
    var outcomes: Set<Bool> = []
    for image in images {
      let after = try TestLog.open(on: image)
      let isWhole = after.entries.count == 2
      outcomes.insert(isWhole)
      #expect(after.entries[2] == (isWhole ? [Part(0, payload), Part(1, payload)] : nil))
      #expect(isWhole == (after.report.end == position.end))
      try after.commit(Part(2, "after"))
      let later = try after.crash(.loses)
      #expect(later.entries.count == (isWhole ? 3 : 2))
      later.abandon()
    }
    #expect(outcomes == [true, false])
  }

  @Test func `a value of 64 MiB comes back`() throws {
    let value = [UInt8](unsafeUninitializedCapacity: 64 << 20) { buffer, count in
      for index in stride(from: 0, to: buffer.count, by: 4096) {
        buffer[index] = UInt8(truncatingIfNeeded: index >> 12)
      }
      count = buffer.count
    }
    let log = try TestLog.open(segmentByteCount: 16 << 20)
    try log.commit(Part(1, value))
    try log.commit(Part(0, "small"))
    let after = try log.crash(.loses)
    #expect(after.entries == [1: [Part(1, value)], 2: [Part(0, "small")]])
    after.abandon()
  }
}
