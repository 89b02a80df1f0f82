import Glibc

/// Recovery, in two processes: `fill-log` writes until the log is long, with everything else in memory,
/// and is killed; `replay` opens what it left.
///
/// `--keys 8500000 --threads 16 --batch 10 --unapplied-mib 8192`: keys that make a log of about 1 GiB.
enum RecoveryWorkload {
  /// Ends by SIGKILL, after the figures were given to `report`.
  static func fill<E: Engine>(
    _ bench: Bench<E>, report: ([String: Any]) -> Void
  ) throws -> Never {
    let threads = try bench.options.number("threads", 16)
    let batchCount = try bench.options.number("batch", 10)
    let count = try bench.options.number("keys", 8_500_000)
    let space = KeySpace(region: 1, seed: bench.seed)
    let engine = try bench.open()
    // The batches of a thread follow one another by as many as there are threads.
    _ = try Crew.run(threads) { thread in
      let writer = try engine.makeWriter()
      var entries = Entries(count: batchCount, valueByteCount: bench.valueByteCount)
      for start in stride(from: thread * batchCount, to: count, by: threads * batchCount) {
        let batch = start..<min(start + batchCount, count)
        if batch.count < batchCount { entries.shorten(to: batch.count) }
        for index in batch { entries.set(index - start, space, index, version: 1) }
        try writer.commit(entries)
      }
    }
    report(["keys": count, "log_bytes": try engine.logByteCount()])
    kill(getpid(), SIGKILL)
    fatalError("this process was killed")
  }

  static func replay<E: Engine>(_ bench: Bench<E>) throws -> [String: Any] {
    let count = try bench.options.number("keys", 8_500_000)
    let space = KeySpace(region: 1, seed: bench.seed)
    let cpu = ProcessFigures.cpuSeconds
    let began = Clock.nanoseconds
    let engine = try bench.open()
    let seconds = Double(Clock.nanoseconds - began) / 1e9
    let cpuSeconds = ProcessFigures.cpuSeconds - cpu
    let memory = ProcessFigures.anonymousByteCount
    try bench.verify(engine, [(space, VersionTable(count: count, version: 1))])
    let settling = try Clock.seconds { try engine.settle() }
    try engine.close()
    return [
      "open_seconds": seconds, "keys_per_second": Double(count) / seconds,
      "cpu_seconds": cpuSeconds, "anonymous_mib": Double(memory) / 1_048_576,
      "settle_seconds": settling,
    ]
  }
}
