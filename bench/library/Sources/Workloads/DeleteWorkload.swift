import Synchronization

/// A range of many keys is deleted beside others that single puts go to at a steady pace.
///
/// `--keys 10000000 --live 1000000 --threads 2 --puts-per-second 250 --seconds 5`: the puts of each
/// thread, and how long they go on before the delete. A put's time counts from when it was due, so that
/// one stall shows in every put that waited for it. Then as many new keys are put in, which shows
/// whether the space is used again.
enum DeleteWorkload {
  static func run<E: Engine>(_ bench: Bench<E>) throws -> [String: Any] {
    let count = try bench.options.number("keys", 10_000_000)
    let doomed = KeySpace(region: 1, seed: bench.seed)
    let others = KeySpace(region: 2, seed: bench.seed)
    let later = KeySpace(region: 3, seed: bench.seed)
    let threads = try bench.options.number("threads", 2)
    let draw = try Draw(
      count: try bench.options.number("live", 1_000_000),
      partitionCount: bench.settings.partitionCount, threads: threads)
    let seconds = try bench.options.seconds("seconds", 5)
    let rate = try bench.options.seconds("puts-per-second", 250)

    let engine = try bench.open()
    _ = try bench.load(engine, doomed, count: count)
    let versions = try bench.load(engine, others, count: draw.count)
    let bytesLoaded = ProcessFigures.usedByteCount(bench.directory)

    let phase = Phase()
    let crew = Crew.start(threads) { thread in
      try puts(bench, engine, others, draw, versions, thread: thread, rate: rate, phase)
    }
    let memory = Crew.start(1) { _ in watchMemory(phase) }
    Clock.sleep(until: Clock.nanoseconds + UInt64(seconds * 1e9))
    phase.go(to: .deleting)
    let bounds = doomed.bounds
    let outcome = Result {
      let acknowledged = try Clock.seconds {
        try engine.deleteRange(from: bounds.lower, to: bounds.upper)
      }
      return (acknowledged, try Clock.seconds { try engine.finishDeletes() })
    }
    phase.go(to: .over)
    let tallies = try crew.wait().reduce(into: [Histogram(), Histogram()]) { sum, one in
      for place in sum.indices { sum[place].add(one[place]) }
    }
    let (acknowledged, finished) = try outcome.get()
    let anonymous = try memory.wait()[0]
    let bytesAfter = ProcessFigures.usedByteCount(bench.directory)
    try bench.verify(engine, [(others, versions)])
    let refilled = try bench.load(engine, later, count: count)
    let bytesRefilled = ProcessFigures.usedByteCount(bench.directory)
    try bench.verify(engine, [(others, versions), (later, refilled)])
    try engine.close()

    let mebibyte = 1_048_576.0
    return tallies[0].figures("before_").merging(tallies[1].figures("during_")) { first, _ in first
    }
    .merging([
      "acknowledged_milliseconds": acknowledged * 1e3,
      "carried_out_seconds": finished,
      "puts_during": tallies[1].count,
      "p99_ratio": tallies[1].milliseconds(within: 0.99)
        / tallies[0].milliseconds(within: 0.99),
      "anonymous_growth_mib": Double(anonymous.during - anonymous.before) / mebibyte,
      "disk_loaded_mib": Double(bytesLoaded) / mebibyte,
      "disk_after_mib": Double(bytesAfter) / mebibyte,
      "disk_refilled_mib": Double(bytesRefilled) / mebibyte,
      "refilled_per_loaded": Double(bytesRefilled) / Double(bytesLoaded),
    ]) { first, _ in first }
  }

  /// What goes on, told to all threads.
  final class Phase: Sendable {
    enum Name: Int { case before, deleting, over }

    private let number = Atomic<Int>(0)

    var name: Name { Name(rawValue: number.load(ordering: .acquiring)) ?? .over }
    func go(to name: Name) { number.store(name.rawValue, ordering: .releasing) }
  }

  /// The puts' times before and during the delete.
  private static func puts<E: Engine>(
    _ bench: Bench<E>, _ engine: E, _ space: KeySpace, _ draw: Draw, _ versions: VersionTable,
    thread: Int, rate: Double, _ phase: Phase
  ) throws -> [Histogram] {
    let writer = try engine.makeWriter()
    var batch = BatchWriter(
      draw: draw, thread: thread, batchCount: 1,
      generator: SeededGenerator(seed: bench.seed << 16 + UInt64(thread)),
      entries: Entries(count: 1, valueByteCount: bench.valueByteCount))
    var histograms = [Histogram(), Histogram()]
    let pause = UInt64(1e9 / rate)
    var due = Clock.nanoseconds
    while true {
      due += pause
      Clock.sleep(until: due)
      batch.fill(space)
      // Puts that began before the delete and ended in it are felt in it.
      try writer.commit(batch.entries)
      batch.acknowledge(versions)
      let now = phase.name
      if now == .over { return histograms }
      histograms[now == .deleting ? 1 : 0].add(nanoseconds: Clock.nanoseconds - due)
    }
  }

  /// The most anonymous memory at the end of what was before, and during the delete.
  private static func watchMemory(_ phase: Phase) -> (before: Int, during: Int) {
    var (before, during) = (0, 0)
    while phase.name != .over {
      let bytes = ProcessFigures.anonymousByteCount
      if phase.name == .before { before = max(before, bytes) } else { during = max(during, bytes) }
      Sleeping.sleep(nanoseconds: 5_000_000)
    }
    return (before, max(during, before))
  }
}
