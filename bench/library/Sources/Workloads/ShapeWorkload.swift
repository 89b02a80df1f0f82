/// The shape of cost: every key is put in once, in random order and in synced batches, then read back by
/// point gets and scans. One run is one point of a plot.
///
/// `--keys 1000000 --batch 10 --threads 16 --seconds 60`: it ends with the keys or the time.
enum ShapeWorkload {
  static func run<E: Engine>(_ bench: Bench<E>) throws -> [String: Any] {
    let threads = try bench.options.number("threads", 16)
    let batchCount = try bench.options.number("batch", 10)
    let count = try bench.options.number("keys", 1_000_000)
    let limit = try bench.options.seconds("seconds", 60)
    let space = KeySpace(region: 1, seed: bench.seed)
    let engine = try bench.open()
    let written = ProcessFigures.diskWrittenByteCount(bench.directory)
    let cpu = ProcessFigures.cpuSeconds

    let versions = VersionTable(count: count)
    let began = Clock.nanoseconds
    let end = began + UInt64(limit * 1e9)
    let latencies = try Crew.run(threads) { thread in
      let writer = try engine.makeWriter()
      var entries = Entries(
        count: min(batchCount, count), valueByteCount: bench.valueByteCount)
      var latency = Histogram()
      var before = Clock.nanoseconds
      for start in stride(from: thread * batchCount, to: count, by: threads * batchCount) {
        if before >= end { break }
        let batch = start..<min(start + batchCount, count)
        entries.shorten(to: batch.count)
        for index in batch { entries.set(index - start, space, index, version: 1) }
        before = Clock.nanoseconds
        try writer.commit(entries)
        latency.add(nanoseconds: Clock.nanoseconds - before)
        for index in batch { versions[index] = 1 }
      }
      return latency
    }
    let putting = Double(Clock.nanoseconds - began) / 1e9
    let settling = try Clock.seconds { try engine.settle() }
    let latency = latencies.reduce(into: Histogram()) { $0.add($1) }
    let keyCount = versions.presentCount
    let cpuSeconds = ProcessFigures.cpuSeconds - cpu
    let writtenBytes = ProcessFigures.diskWrittenByteCount(bench.directory) - written
    let used = ProcessFigures.usedByteCount(bench.directory)
    try bench.verify(engine, [(space, versions)])
    var figures = latency.figures()
    if keyCount == count {
      let getCount = min(500_000, max(20_000, (256 << 20) / bench.valueByteCount))
      let seconds = try GetWorkload.gets(
        bench, engine, space, 2, count: count, getCount: getCount)
      figures["gets_per_second"] = Double(2 * getCount) / seconds
      let scanning = try Clock.seconds {
        try ScanWorkload.scan(engine, count: count, bench.valueByteCount)
      }
      figures["scanned_keys_per_second"] = Double(count) / scanning
    }
    try engine.close()

    let storedBytes = Double(keyCount * (KeySpace.keyByteCount + bench.valueByteCount))
    return figures.merging([
      "keys": keyCount,
      "keys_per_second": Double(keyCount) / putting,
      "keys_per_second_settled": Double(keyCount) / (putting + settling),
      "settle_seconds": settling,
      "cpu_microseconds_per_key": cpuSeconds / Double(keyCount) * 1e6,
      "bytes_written_per_byte": Double(writtenBytes) / storedBytes,
      "bytes_on_disk_per_byte": Double(used) / storedBytes,
    ]) { first, _ in first }
  }
}
