import Testing

@testable import TxnWAL

/// Random transactions, crashes and reopenings against a model: what was acknowledged is there, what
/// was not is there whole or not at all, and what survives is a prefix of the order.
@Suite struct RandomCrashTests {
  private struct Transaction {
    var parts: [Part]
    /// Nil where its order ended with an error.
    var sequence: UInt64?
  }

  /// What was committed in the life of one opening, and how far it was acknowledged.
  private struct Model {
    var transactions: [Transaction] = []
    var acknowledgedCount = 0
  }

  private static func parts(_ generator: inout SeededGenerator) -> [Part] {
    let participants = (0..<3).shuffled(using: &generator)
      .prefix(Int.random(in: 1...3, using: &generator)).sorted()
    return participants.map { participant in
      let length =
        Int.random(in: 0..<20, using: &generator) == 0
        ? Int.random(in: 4000...13_000, using: &generator)
        : Int.random(in: 0...300, using: &generator)
      return Part(participant, generator.bytes(length))
    }
  }

  /// One step of a run. Errors end the run, as the power cut that caused them does.
  private static func step(
    _ log: TestLog, _ model: inout Model, _ generator: inout SeededGenerator
  ) throws {
    switch Int.random(in: 0..<12, using: &generator) {
    case 0...5:
      let parts = parts(&generator)
      model.transactions.append(Transaction(parts: parts))
      model.transactions[model.transactions.count - 1].sequence = try log.append(parts).sequence
    case 6:
      let refuser = Int.random(in: 0..<3, using: &generator)
      log.participants[refuser].refuse(Refusal(code: 1, detail: 1))
      defer { log.participants[refuser].refuse(nil) }
      let others = parts(&generator).filter { $0.participant != refuser }
      do {
        try log.append(others + [Part(refuser, "no")])
        Issue.record("a transaction was not refused")
      } catch is Refusal {
        // What another error says is that there is no room for it to be ordered.
      }
    case 7, 8:
      let count = model.transactions.count
      let end = log.coordinator.sequence { $0.appended }
      try log.coordinator.waitUntilAcknowledged(end)
      model.acknowledgedCount = count
    case 9:
      log.coordinator.requestSync()
    case 10:
      let index = Int.random(in: 0..<3, using: &generator)
      log.participants[index].apply(
        upTo: log.watermarks.durable, limit: Int.random(in: 0...6, using: &generator))
    default:
      try log.coordinator.checkpoint(waiting: Bool.random(using: &generator))
    }
  }

  @Test func `whatever happens, the log keeps what it acknowledged`() throws {
    let seed = SeededGenerator.seedOfRun()
    print("random crashes with KVD_SEED=\(seed)")
    var generator = SeededGenerator(seed)
    for run in 0..<25 {
      var device = MemoryDevice()
      var storages = TestLog.storages()
      var model = Model()
      for life in 0..<8 {
        let comment: Comment = "KVD_SEED=\(seed), run \(run), life \(life)"
        let log: TestLog
        do {
          log = try TestLog.open(on: device, storages: storages)
        } catch {
          Issue.record("\(comment): \(error)")
          return
        }
        // Sequences are passed over where a slot of the control file was lost: they need not be 1, 2, 3 …
        let survivors = log.entries.sorted { $0.key < $1.key }
        let expected = model.transactions.prefix(survivors.count)
        #expect(survivors.count >= model.acknowledgedCount, comment)
        let isPrefix =
          survivors.count == expected.count
          && zip(survivors, expected).allSatisfy { survivor, written in
            survivor.value == written.parts
              && (written.sequence == nil || survivor.key == written.sequence)
          }
        #expect(isPrefix, comment)
        #expect(log.report.lastSequence >= survivors.last?.key ?? 0, comment)
        if !isPrefix { return }
        model.transactions = survivors.map { Transaction(parts: $0.value, sequence: $0.key) }
        model.acknowledgedCount = survivors.count

        device.cutPower(after: Int.random(in: 0...160, using: &generator))
        do {
          for _ in 0..<120 { try Self.step(log, &model, &generator) }
        } catch is LogError {
          // The power is cut.
        }
        log.device.cutPower()
        let crash = Crash.allCases.randomElement(using: &generator)!
        device = log.device.image(crash, seed: generator.next())
        storages = log.storageImages()
        log.abandon()
        // Now and then recovery itself is cut short.
        if Bool.random(using: &generator) {
          device.cutPower(after: Int.random(in: 0...12, using: &generator))
          (try? TestLog.open(on: device, storages: storages.copies))?.abandon()
          device = device.image(crash, seed: generator.next())
        }
      }
    }
  }
}
