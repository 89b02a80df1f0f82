/// What the benchmarks ask of a store that keeps its promise: a batch is atomic, and durable on return.
protocol Engine: AnyObject, Sendable {
  associatedtype Writer: EngineWriter
  associatedtype Reader: EngineReader

  /// Opens the store in the directory at `path`, or makes it there.
  init(path: String, _ settings: EngineSettings) throws

  /// For one thread.
  func makeWriter() throws -> Writer
  /// For one thread.
  func makeReader() throws -> Reader

  /// Lends every entry in the order of keys, as of one moment.
  func scan(_ body: (_ key: RawSpan, _ value: RawSpan) throws -> Void) throws

  /// Removes the keys from `lower` up to `upper`, atomically and durably; the work may go on after it.
  func deleteRange(from lower: [UInt8], to upper: [UInt8]) throws
  /// Returns when that work is done and its space may be used again.
  func finishDeletes() throws

  /// Returns when all that was written is where it stays: applied, or compacted.
  func settle() throws
  /// How much log an open would have to read, in bytes.
  func logByteCount() throws -> Int
  func close() throws
}

/// Writes of one thread.
protocol EngineWriter {
  /// One atomic batch, durable on return.
  func commit(_ entries: Entries) throws
}

/// Reads of one thread. Each takes a view of its own: none is kept from one read to the next.
protocol EngineReader {
  func withValue<R>(of key: [UInt8], _ body: (RawSpan?) -> R) throws -> R
}

/// The keys and values of a batch; the memory is used again and again.
struct Entries {
  var keys: [[UInt8]]
  var values: [[UInt8]]

  init(count: Int, valueByteCount: Int) {
    keys = Array(
      repeating: [UInt8](repeating: 0, count: KeySpace.keyByteCount), count: count)
    values = Array(repeating: [UInt8](repeating: 0, count: valueByteCount), count: count)
  }

  /// Makes the entry at `place` version `version` of the key of `index`.
  @inline(__always)
  mutating func set(_ place: Int, _ space: KeySpace, _ index: Int, version: UInt32) {
    space.write(index, into: &keys[place])
    Values.write(index, version: version, into: &values[place])
  }

  mutating func shorten(to count: Int) {
    keys.removeLast(keys.count - count)
    values.removeLast(values.count - count)
  }
}

/// How an engine is set up, where a workload or the command line has a say in it.
struct EngineSettings: Sendable {
  /// How the peers lay the partitions out: `one` keeps all keys together, `partitioned` has a column
  /// family or a named database for each.
  var isPartitioned = false
  var partitionCount = 8
  /// All that is written stays in memory and log until the store is closed, up to this many bytes; 0
  /// leaves everything as it is. For measuring recovery.
  var unappliedByteLimit = 0

  init(_ options: Options) throws(Failure) {
    switch options.text("layout", "one") {
    case "one": isPartitioned = false
    case "partitioned": isPartitioned = true
    case let other: throw Failure("--layout is one or partitioned, not \(other)")
    }
    partitionCount = try options.number("partitions", 8)
    guard [1, 2, 4, 8, 16, 32].contains(partitionCount) else {
      throw Failure("--partitions is a power of two up to 32")
    }
    unappliedByteLimit = try options.number("unapplied-mib", 0) << 20
  }
}
