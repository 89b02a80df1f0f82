import KVStore

/// The next few requests of a connection's pipeline, whose keys are fetched into the processor's cache
/// while the requests before them run: to wait for memory is what most of a look-up takes otherwise.
///
/// Only a hint. What it does not understand at a glance, it lets pass.
struct LookAhead {
  /// How many requests are known ahead: as many as a look-up has steps.
  private static let distance = 3

  /// The last one is nearest to its end.
  private var lookups = (UpcomingLookup(), UpcomingLookup(), UpcomingLookup())
  /// The key that the first of them has begun with.
  private var key: Range<Int>?
  /// Where the next request begins that has not been looked at. Like all places here it is counted from the
  /// head of the input, which moves with every request.
  private var offset = 0

  /// To be called before the request in the first `byteCount` bytes is run and consumed. Whoever consumes
  /// anything else begins with a new one.
  @inline(__always)
  mutating func advance(over byteCount: Int, of input: RawSpan, _ call: borrowing Call) {
    if offset < byteCount {
      // The first time, or what it did not understand has its turn now.
      self = LookAhead()
      if input.byteCount == byteCount { return }
      offset = byteCount
      for _ in 1..<Self.distance { step(input, call) }
    }
    step(input, call)
    offset &-= byteCount
    if let key { self.key = key.lowerBound &- byteCount..<key.upperBound &- byteCount }
  }

  /// Takes each look-up a step further, and begins with the next request's.
  @inline(__always)
  private mutating func step(_ input: RawSpan, _ call: borrowing Call) {
    lookups.2 = lookups.1
    lookups.1 = lookups.0
    lookups.2.finish(in: call.reader)
    if let key { lookups.1.find(input.extracting(key), in: call.reader) }
    key = nil
    guard let (name, key) = next(in: input),
      let command = call.server.table.index(of: input.extracting(name))
    else { return }
    self.key = key
    lookups.0.begin(
      input.extracting(key), readsFile: call.server.table.readsKeys(command), in: call.reader)
  }

  /// The name and the first argument of the request at `offset`, if all of it is there.
  @inline(__always)
  private mutating func next(in input: RawSpan) -> (name: Range<Int>, key: Range<Int>)? {
    guard offset < input.byteCount, input.byte(at: offset) == 0x2A,
      let (count, end) = shortNumber(in: input, at: offset &+ 1), count > 1,
      let name = bulk(in: input, at: end &+ 2),
      let key = bulk(in: input, at: name.upperBound &+ 2)
    else { return nil }
    var last = key
    for _ in 2..<max(count, 2) {
      guard let next = bulk(in: input, at: last.upperBound &+ 2) else { return nil }
      last = next
    }
    offset = last.upperBound &+ 2
    return (name, key)
  }

  @inline(__always)
  private func bulk(in input: RawSpan, at start: Int) -> Range<Int>? {
    guard start < input.byteCount, let (count, end) = shortNumber(in: input, at: start &+ 1),
      count &+ end &+ 4 <= input.byteCount
    else { return nil }
    return end &+ 2..<end &+ 2 &+ count
  }
}
