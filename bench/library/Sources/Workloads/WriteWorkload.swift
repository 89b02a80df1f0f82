/// Synced atomic batches over all partitions, from several threads, for a time: also the sustained run,
/// with `--load 1` and a long one.
///
/// `--threads 1 --seconds 3 --keys 1000000 --batch 10 --load 0 --interval 1`
enum WriteWorkload {
  static func run<E: Engine>(_ bench: Bench<E>) throws -> [String: Any] {
    let threads = try bench.options.number("threads", 1)
    let seconds = try bench.options.seconds("seconds", 3)
    let batchCount = try bench.options.number("batch", 10)
    let interval = try bench.options.seconds("interval", 1)
    let draw = try Draw(
      count: try bench.options.number("keys", 1_000_000),
      partitionCount: bench.settings.partitionCount, threads: threads)
    let space = KeySpace(region: 1, seed: bench.seed)

    let engine = try bench.open()
    let isLoaded = try bench.options.number("load", 0) != 0
    let versions =
      try isLoaded
      ? bench.load(engine, space, count: draw.count) : VersionTable(count: draw.count)

    let (written, cpu) = (
      ProcessFigures.diskWrittenByteCount(bench.directory), ProcessFigures.cpuSeconds
    )
    let began = Clock.nanoseconds
    let end = began + UInt64(seconds * 1e9)
    let intervalNanoseconds = UInt64(interval * 1e9)
    let crew = try Crew.run(threads) { thread in
      var writer = BatchWriter(
        draw: draw, thread: thread, batchCount: batchCount,
        generator: SeededGenerator(seed: bench.seed << 16 + UInt64(thread)),
        entries: Entries(count: batchCount, valueByteCount: bench.valueByteCount))
      let committing = try engine.makeWriter()
      var tally = Tally()
      var before = Clock.nanoseconds
      while before < end {
        writer.fill(space)
        before = Clock.nanoseconds
        try committing.commit(writer.entries)
        let after = Clock.nanoseconds
        writer.acknowledge(versions)
        tally.add(nanoseconds: after - before, interval: Int((after - began) / intervalNanoseconds))
        before = after
      }
      return tally
    }
    let measured = Double(Clock.nanoseconds - began) / 1e9
    let settling = try Clock.seconds { try engine.settle() }
    let tally = crew.reduce(into: Tally()) { $0.add($1) }
    let keyCount = tally.latency.count * batchCount
    let writtenBytes = ProcessFigures.diskWrittenByteCount(bench.directory) - written
    let used = ProcessFigures.usedByteCount(bench.directory)
    let cpuSeconds = ProcessFigures.cpuSeconds - cpu
    try bench.verify(engine, [(space, versions)])
    try engine.close()

    let entryByteCount = Double(KeySpace.keyByteCount + bench.valueByteCount)
    return tally.latency.figures().merging([
      "batches_per_second": Double(tally.latency.count) / measured,
      "keys_per_second": Double(keyCount) / measured,
      // What is put off until after the last acknowledgement counts, too.
      "keys_per_second_settled": Double(keyCount) / (measured + settling),
      "settle_seconds": settling,
      "interval_seconds": interval,
      // The last interval is cut short by the end.
      "keys_in_intervals": tally.intervals.prefix(Int(seconds / interval)).map { $0 * batchCount },
      "cpu_microseconds_per_key": cpuSeconds / Double(keyCount) * 1e6,
      "bytes_written_per_byte": Double(writtenBytes) / (Double(keyCount) * entryByteCount),
      "bytes_on_disk_per_byte": Double(used) / (Double(versions.presentCount) * entryByteCount),
      "keys_verified": versions.presentCount,
    ]) { first, _ in first }
  }
}

/// The batches of one thread.
struct BatchWriter {
  let draw: Draw
  let thread: Int
  let batchCount: Int
  var generator: SeededGenerator
  var entries: Entries
  private var indices: [Int] = []
  private var version: UInt32 = 1

  init(
    draw: Draw, thread: Int, batchCount: Int, generator: SeededGenerator, entries: Entries
  ) {
    self.draw = draw
    self.thread = thread
    self.batchCount = batchCount
    self.generator = generator
    self.entries = entries
  }

  /// Makes the next batch. Keys are drawn at random; a key that is drawn twice has one value.
  mutating func fill(_ space: KeySpace) {
    version += 1
    indices.removeAll(keepingCapacity: true)
    for place in 0..<batchCount {
      let index = draw.index(place, thread: thread, &generator)
      indices.append(index)
      entries.set(place, space, index, version: version)
    }
  }

  func acknowledge(_ versions: VersionTable) {
    for index in indices { versions[index] = version }
  }
}

/// How long batches took, and how many ended in each interval.
struct Tally: Sendable {
  var latency = Histogram()
  var intervals: [Int] = []

  mutating func add(nanoseconds: UInt64, interval: Int) {
    latency.add(nanoseconds: nanoseconds)
    while intervals.count <= interval { intervals.append(0) }
    intervals[interval] += 1
  }

  mutating func add(_ other: Tally) {
    latency.add(other.latency)
    while intervals.count < other.intervals.count { intervals.append(0) }
    for (interval, count) in other.intervals.enumerated() { intervals[interval] += count }
  }
}
