import KVStore

/// The next few requests of a connection's pipeline, whose keys are fetched into the processor's cache
/// while the requests before them run: to wait for memory is what most of a look-up takes otherwise. What was
/// found out on the way is there for the request when its turn comes.
///
/// What it does not understand at a glance, it lets pass.
struct LookAhead {
  /// A request's look-up, and where its key stands.
  private struct Upcoming {
    var lookup = UpcomingLookup()
    var key = 0..<0
  }

  /// How many requests are known ahead: as many as a look-up has steps. The last one is nearest to its end.
  private var upcoming = (Upcoming(), Upcoming(), Upcoming())
  /// How much has been consumed since this began. All places are counted from there.
  private var head = 0
  /// Where the next request begins that has not been looked at.
  private var offset = 0

  /// To be called before the request in the first `byteCount` bytes is run and consumed, with the key of which
  /// the reader is then made familiar. Whoever consumes anything else begins with a new one.
  @inline(__always)
  mutating func advance(over byteCount: Int, of input: RawSpan, _ call: borrowing Call) {
    if offset < head &+ byteCount {
      // The first time, or what it did not understand has its turn now.
      self = LookAhead()
      for _ in 0..<3 { step(input, call) }
    }
    upcoming.2.lookup.expect(input.extracting(place(of: upcoming.2)), in: call.reader)
    step(input, call)
    head &+= byteCount
  }

  /// Takes each look-up a step further, and begins with the next request's.
  @inline(__always)
  private mutating func step(_ input: RawSpan, _ call: borrowing Call) {
    upcoming.2 = upcoming.1
    upcoming.1 = upcoming.0
    upcoming.0 = Upcoming()
    upcoming.2.lookup.finish(in: call.reader)
    upcoming.1.lookup.find(input.extracting(place(of: upcoming.1)), in: call.reader)
    guard let (name, key) = next(in: input),
      let command = call.server.table.index(of: input.extracting(name))
    else { return }
    upcoming.0.key = head &+ key.lowerBound..<head &+ key.upperBound
    upcoming.0.lookup.begin(
      input.extracting(key), readsFile: call.server.table.readsKeys(command), in: call.reader)
  }

  /// Where a look-up's key stands now; nowhere if it has not begun.
  @inline(__always)
  private func place(of upcoming: Upcoming) -> Range<Int> {
    guard upcoming.key.lowerBound > head else { return 0..<0 }
    return upcoming.key.lowerBound &- head..<upcoming.key.upperBound &- head
  }

  /// The name and the first argument of the request at `offset`, if all of it is there.
  @inline(__always)
  private mutating func next(in input: RawSpan) -> (name: Range<Int>, key: Range<Int>)? {
    let start = offset &- head
    guard start < input.byteCount, input.byte(at: start) == 0x2A,
      let (count, end) = shortNumber(in: input, at: start &+ 1), count > 1,
      let name = bulk(in: input, at: end &+ 2),
      let key = bulk(in: input, at: name.upperBound &+ 2)
    else { return nil }
    var last = key
    for _ in 2..<max(count, 2) {
      guard let next = bulk(in: input, at: last.upperBound &+ 2) else { return nil }
      last = next
    }
    offset = head &+ last.upperBound &+ 2
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
