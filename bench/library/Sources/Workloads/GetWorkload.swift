/// Point gets of random keys at rest, from several threads; every value is checked whole.
///
/// `--threads 2 --keys 1000000 --gets 2000000`: gets of each thread.
enum GetWorkload {
  static func run<E: Engine>(_ bench: Bench<E>) throws -> [String: Any] {
    let threads = try bench.options.number("threads", 2)
    let count = try bench.options.number("keys", 1_000_000)
    let getCount = try bench.options.number("gets", 2_000_000)
    let space = KeySpace(region: 1, seed: bench.seed)
    let loading = try bench.open()
    let versions = try bench.load(loading, space, count: count)
    try loading.close()

    // Opened again, so that nothing is in a memtable. Everything is read once beforehand.
    let engine = try bench.open()
    try bench.verify(engine, [(space, versions)])
    _ = try gets(bench, engine, space, threads, count: count, getCount: min(count, getCount))
    let cpu = ProcessFigures.cpuSeconds
    let seconds = try gets(bench, engine, space, threads, count: count, getCount: getCount)
    let cpuSeconds = ProcessFigures.cpuSeconds - cpu
    try engine.close()
    return [
      "gets_per_second": Double(getCount * threads) / seconds,
      "cpu_microseconds_per_get": cpuSeconds / Double(getCount * threads) * 1e6,
    ]
  }

  /// The seconds that it took.
  static func gets<E: Engine>(
    _ bench: Bench<E>, _ engine: E, _ space: KeySpace, _ threads: Int, count: Int, getCount: Int
  ) throws -> Double {
    let valueByteCount = bench.valueByteCount
    return try Clock.seconds {
      _ = try Crew.run(threads) { thread in
        let reader = try engine.makeReader()
        var generator = SeededGenerator(seed: bench.seed << 16 + UInt64(thread))
        var key = [UInt8](repeating: 0, count: KeySpace.keyByteCount)
        for _ in 0..<getCount {
          let index = generator.number(below: count)
          space.write(index, into: &key)
          let isRight = try reader.withValue(of: key) { value in
            guard let value else { return false }
            return Values.matches(
              value, index: index, version: 1, byteCount: valueByteCount)
          }
          guard isRight else { throw Failure("get: key \(index) is not there or another value") }
        }
      }
    }
  }
}
