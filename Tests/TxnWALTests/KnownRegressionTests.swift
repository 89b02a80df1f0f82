import Testing

@testable import TxnWAL

/// Two bugs that other engines had, told in the order of their events.
@Suite struct KnownRegressionTests {
  private static let left = Part(0, "left half")
  private static let right = Part(1, "right half")

  /// A log whose next intent begins in one segment and ends, with its marker, in the next.
  private func logBeforeBoundary() throws -> TestLog {
    let log = try TestLog.open()
    try log.commit(Part(2, [UInt8](repeating: 7, count: 3960)))
    log.apply()
    return log
  }

  /// The power is cut after every operation of the device that the transaction takes, in every way: so
  /// it is prepared, or prepared and decided, when recovery finds it.
  @Test
  func
    `a transaction prepared, crash, recovered, committed, crash again does not lose its data because its segment went too early`()
    throws
  {
    var inDoubtCount = 0
    var step = 0
    var isWhole = false
    while !isWhole {
      for crash in Crash.allCases {
        let first = try logBeforeBoundary()
        first.device.cutPower(after: step)
        isWhole = (try? first.commit(Self.left, Self.right)) != nil
        let second = try first.crash(crash, seed: UInt64(step))
        inDoubtCount += second.report.presumedAborted.count
        if second.entries[2] == nil { try second.commit(Self.left, Self.right) }
        #expect(second.entries[2] == [Self.left, Self.right], "step \(step), \(crash)")

        // All but the one that has the right half carry on, over segment after segment.
        for number in 0..<12 {
          try second.commit(Part(number % 2 * 2, [UInt8](repeating: 1, count: 900)))
          for participant in [0, 2] {
            second.participants[participant].apply(upTo: second.watermarks.durable)
          }
          try second.coordinator.checkpoint(waiting: true)
        }
        var log = try second.crash(.loses)
        for _ in 0..<2 {
          #expect(log.entries[2] == [Self.left, Self.right], "step \(step), \(crash)")
          #expect(log.entries.count == 14)
          log = try log.crash(.loses)
        }
        log.abandon()
      }
      step += 1
    }
    #expect(step > 2)
    #expect(inDoubtCount > 0, "no crash came between the intent and its marker")
  }

  @Test
  func `a transaction id used again after a restart does not merge two transactions`() throws {
    // Of the first transaction the marker got to the disk, and the intent did not.
    let first = try TestLog.open()
    let (lost, end) = try imageInSync(of: first, [Part(0, "old left"), Part(1, "old right")])
    let marker = try #require(lost.records(from: .zero).first).end
    let oldMarker = lost.logBytes(marker..<end)
    lost.overwrite([UInt8](repeating: 0, count: marker.distance(from: .zero)), at: .zero)

    // Of the second, the first one of its process too and as long, the other way round: where its
    // marker belongs stands the one of the first.
    let second = try TestLog.open(on: lost)
    #expect(second.entries.isEmpty)
    let (torn, newEnd) = try imageInSync(of: second, [Part(0, "new left"), Part(1, "new right")])
    #expect(newEnd == end)
    torn.overwrite(oldMarker, at: marker)
    let third = try TestLog.open(on: torn)
    #expect(third.entries.isEmpty, "one transaction's intent with another's marker")
    #expect(third.report.presumedAborted.count == 1)

    // What was presumed aborted stays so beside the first transaction of the next process.
    let parts = [Part(0, "last left"), Part(1, "last right")]
    try third.commit(parts)
    let fourth = try third.crash(.loses)
    #expect(fourth.entries == [1: parts])
    #expect(fourth.report.presumedAborted == third.report.presumedAborted)
    fourth.abandon()
  }

  /// Orders a transaction and cuts the power once all of its bytes are written.
  private func imageInSync(
    of log: TestLog, _ parts: [Part]
  ) throws -> (device: MemoryDevice, end: LSN) {
    log.device.gate.hold()
    let end = try log.append(parts).end
    log.coordinator.requestSync()
    log.device.gate.waitForSync()
    let image = log.device.image(.keeps)
    log.abandon()
    return (image, end)
  }
}
