/// What every workload works with: a fresh store in a directory, and what it must hold.
struct Bench<E: Engine> {
  let options: Options
  let directory: String
  let settings: EngineSettings
  let seed: UInt64
  let valueByteCount: Int

  init(_ options: Options) throws {
    self.options = options
    directory = options.text("directory", "")
    guard !directory.isEmpty else { throw Failure("--directory is missing") }
    settings = try EngineSettings(options)
    seed = UInt64(try options.number("seed", 1))
    valueByteCount = try options.number("value-bytes", 100)
    guard valueByteCount >= 16 else { throw Failure("--value-bytes is 16 at least") }
  }

  func open() throws -> E { try E(path: directory, settings) }

  /// Puts every key of `space` in, in the order of keys and in batches as large as suits all engines, and
  /// lets the store settle. Not measured.
  func load(_ engine: E, _ space: KeySpace, count: Int) throws -> VersionTable {
    let indices = space.ordered(count)
    let writer = try engine.makeWriter()
    let batchCount = max(1, min(10_000, (4 << 20) / (valueByteCount + KeySpace.keyByteCount)))
    var entries = Entries(count: min(batchCount, count), valueByteCount: valueByteCount)
    for start in stride(from: 0, to: count, by: batchCount) {
      let batch = indices[start..<min(start + batchCount, count)]
      entries.shorten(to: batch.count)
      for (place, index) in batch.enumerated() {
        entries.set(place, space, Int(index), version: 1)
      }
      try writer.commit(entries)
    }
    try engine.settle()
    return VersionTable(count: count, version: 1)
  }

  /// Reads everything: each key is there once, in order, with its newest acknowledged value, and nothing
  /// else is. `expected` is in the order of regions.
  func verify(_ engine: E, _ expected: [(space: KeySpace, versions: VersionTable)]) throws {
    var counts = [Int](repeating: 0, count: 256)
    var last: (UInt64, UInt64) = (0, 0)
    try engine.scan { key, value in
      guard key.byteCount == KeySpace.keyByteCount,
        let (space, versions) = expected.first(where: {
          $0.space.region == UInt8(key.word(at: 0) & 0xFF)
        }),
        let index = space.index(of: key), index < versions.count
      else { throw Failure("verify: a key that nobody wrote: \(key.array)") }
      let order = (key.word(at: 0).byteSwapped, key.word(at: 8).byteSwapped)
      guard last < order else { throw Failure("verify: key \(index) is out of order") }
      last = order
      let version = versions[index]
      guard
        Values.matches(value, index: index, version: version, byteCount: valueByteCount)
      else {
        throw Failure(
          "verify: key \(index) does not hold version \(version): \(value.array.prefix(32))")
      }
      counts[Int(space.region)] += 1
    }
    for (space, versions) in expected {
      let (found, present) = (counts[Int(space.region)], versions.presentCount)
      guard found == present else {
        throw Failure("verify: region \(space.region) has \(found) keys, not \(present)")
      }
    }
  }
}

/// Where the threads of a workload write. Indices are drawn so that a batch touches every partition, and
/// so that each is drawn by one thread only.
struct Draw: Sendable {
  let partitionCount: Int
  let threads: Int
  /// The indices it draws from: `count` rounded down to a multiple of threads and groups.
  let count: Int
  private let groupsPerThread: Int

  init(count: Int, partitionCount: Int, threads: Int) throws(Failure) {
    groupsPerThread = count / (KeySpace.groupCount * threads)
    guard groupsPerThread > 0 else {
      throw Failure("\(threads) threads need \(KeySpace.groupCount * threads) keys at least")
    }
    self.count = groupsPerThread * KeySpace.groupCount * threads
    self.partitionCount = partitionCount
    self.threads = threads
  }

  /// An index of `thread`'s in the partition that comes `place`-th.
  @inline(__always)
  func index(
    _ place: Int, thread: Int, _ generator: inout SeededGenerator
  ) -> Int {
    let share = KeySpace.groupCount / partitionCount
    let group = generator.number(below: groupsPerThread) * threads + thread
    let within = place % partitionCount * share + generator.number(below: share)
    return group * KeySpace.groupCount + within
  }
}
