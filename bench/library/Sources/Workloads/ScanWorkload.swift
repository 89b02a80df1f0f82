/// Scans of everything in the order of keys, at rest. While it is measured, order, lengths and number
/// are checked; every byte of every value is before it begins.
///
/// `--keys 1000000 --scans 5`
enum ScanWorkload {
  static func run<E: Engine>(_ bench: Bench<E>) throws -> [String: Any] {
    let count = try bench.options.number("keys", 1_000_000)
    let scanCount = try bench.options.number("scans", 5)
    let space = KeySpace(region: 1, seed: bench.seed)
    let loading = try bench.open()
    let versions = try bench.load(loading, space, count: count)
    try loading.close()

    let engine = try bench.open()
    try bench.verify(engine, [(space, versions)])
    let cpu = ProcessFigures.cpuSeconds
    let seconds = try Clock.seconds {
      for _ in 0..<scanCount { try scan(engine, count: count, bench.valueByteCount) }
    }
    let cpuSeconds = ProcessFigures.cpuSeconds - cpu
    try engine.close()
    return [
      "keys_per_second": Double(count * scanCount) / seconds,
      "cpu_microseconds_per_key": cpuSeconds / Double(count * scanCount) * 1e6,
    ]
  }

  static func scan<E: Engine>(_ engine: E, count: Int, _ valueByteCount: Int) throws {
    var last: (UInt64, UInt64) = (0, 0)
    var found = 0
    // Each value's last bytes are read, so that none is lent without having been fetched.
    var sum: UInt64 = 0
    try engine.scan { key, value in
      let order = (key.word(at: 0).byteSwapped, key.word(at: 8).byteSwapped)
      guard last < order, value.byteCount == valueByteCount else {
        throw Failure("scan: out of order, or another length, at \(key.array)")
      }
      last = order
      found += 1
      sum ^= value.word(at: valueByteCount - 8)
    }
    guard found == count, sum != 0 else { throw Failure("scan: \(found) keys, not \(count)") }
  }
}
