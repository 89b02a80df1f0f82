import Base
import Testing

@testable import TxnWAL

/// Votes, order, and what a transaction leaves in the log.
@Suite struct SequencerTests {
  @Test func `every participant is asked before any is told to commit`() throws {
    let log = try TestLog.open()
    let position = try log.commit(Part(2, "c"), Part(0, "a"))
    let id = TransactionID(epoch: 1, counter: 1)
    #expect(
      log.participants[2].calls == [
        .prepare(id, Array("c".utf8)), .commit(position, Array("c".utf8)),
      ])
    #expect(
      log.participants[0].calls == [
        .prepare(id, Array("a".utf8)), .commit(position, Array("a".utf8)),
      ])
    #expect(log.participants[1].calls.isEmpty)
    log.abandon()
  }

  @Test func `one no aborts for all that were asked, and nothing changes`() throws {
    let log = try TestLog.open()
    log.participants[1].refuse(Refusal(code: 1, detail: 2))
    #expect(throws: Refusal(code: 1, detail: 2)) {
      try log.append([Part(0, "a"), Part(1, "b"), Part(2, "c")])
    }
    let id = TransactionID(epoch: 1, counter: 1)
    #expect(log.participants[0].calls == [.prepare(id, Array("a".utf8)), .abort(id)])
    #expect(log.participants[1].calls == [.prepare(id, Array("b".utf8)), .abort(id)])
    #expect(log.participants[2].calls.isEmpty)
    #expect(log.coordinator.sequence { $0.lastSequence } == 0)
    log.abandon()
  }

  @Test func `the no of a single participant leaves no trace in the log`() throws {
    let log = try TestLog.open()
    log.participants[0].refuse(Refusal(code: 1, detail: 2))
    #expect(throws: Refusal.self) { try log.append([Part(0, "a")]) }
    #expect(log.coordinator.sequence { $0.appended } == .zero)
    log.participants[0].refuse(nil)
    #expect(try log.commit(Part(0, "b")).sequence == 1)
    log.abandon()
  }

  @Test func `a cancelled transaction leaves no trace in the log`() throws {
    let log = try TestLog.open()
    log.coordinator.sequence { sequencer in
      sequencer.begin()
      sequencer.beginSection(for: 1)
      sequencer.append(7 as UInt32)
      sequencer.cancel()
    }
    #expect(log.coordinator.sequence { $0.appended } == .zero)
    log.abandon()
  }

  /// Regression: the half record was written, ended the log for its readers, and took every later
  /// transaction with it.
  @Test func `a transaction that an error leaves open is cancelled`() throws {
    struct Stop: Error {}
    let log = try TestLog.open()
    try log.commit(Part(0, "before"))
    #expect(throws: Stop.self) {
      try log.coordinator.sequence { sequencer throws(Stop) in
        sequencer.begin()
        sequencer.beginSection(for: 1)
        sequencer.append(7 as UInt64)
        throw Stop()
      }
    }
    try log.commit(Part(1, "after"))
    let after = try log.crash(.loses)
    #expect(after.entries == [1: [Part(0, "before")], 2: [Part(1, "after")]])
    after.abandon()
  }

  @Test func `several transactions may be sequenced at once, refused ones between them`() throws {
    let log = try TestLog.open()
    let positions = try log.coordinator.sequence { sequencer throws(Refusal) in
      var positions: [CommitPosition] = []
      for number in 0..<6 {
        sequencer.begin()
        sequencer.beginSection(for: number % 3)
        sequencer.append(UInt8(number))
        if number % 2 == 1 {
          sequencer.beginSection(for: (number + 1) % 3)
          sequencer.append(UInt8(number))
        }
        if number == 3 {
          log.participants[1].refuse(Refusal(code: 9, detail: 9))
          #expect(throws: Refusal.self) { try sequencer.commit() }
          log.participants[1].refuse(nil)
        } else {
          positions.append(try sequencer.commit())
        }
      }
      return positions
    }
    #expect(positions.map(\.sequence) == [1, 2, 3, 4, 5])
    try log.coordinator.waitUntilAcknowledged(positions.last!.end)
    let after = try log.crash(.loses)
    #expect(after.entries == log.entries)
    #expect(after.entries.count == 5)
    #expect(after.report.abortedCount == 1)
    after.abandon()
  }

  @Test func `what is written can be read back while it is written`() throws {
    let log = try TestLog.open()
    log.coordinator.sequence { sequencer in
      sequencer.begin()
      sequencer.beginSection(for: 0)
      let start = sequencer.payloadByteCount
      sequencer.append(Array("bytes".utf8).rawSpan)
      let read = sequencer.withPayload(in: start..<start + 5) { [UInt8](copying: $0) }
      #expect(read == Array("bytes".utf8))
      sequencer.cancel()
    }
    log.abandon()
  }
}
