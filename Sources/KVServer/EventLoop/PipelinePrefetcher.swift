import KVStore

/// The next requests of a connection's pipeline, whose keys are fetched into the processor's cache together,
/// before the first of them runs: to wait for memory is what most of a look-up takes otherwise. What was found out
/// on the way is there for each request when its turn comes.
///
/// What it does not understand at a glance, it lets pass. One belongs to an event loop, for its memory.
final class PipelinePrefetcher {
  private let lookups = LookupPrefetcher()
  /// Where the requests that are known end, counted from the beginning of the first one.
  private var ends: [Int] = []
  /// The next one.
  private var index = 0
  /// How much has been consumed since the first one began.
  private var head = 0

  /// To be called where other requests follow than those that are known, if any are.
  func forget() {
    ends.removeAll(keepingCapacity: true)
    index = 0
  }

  /// To be called before the request in the first `byteCount` bytes is run and consumed, with the key of which
  /// the reader is then made familiar.
  @inline(__always)
  func advance(over byteCount: Int, of input: RawSpan, _ call: borrowing Call) {
    if index == ends.count { look(at: input, call) }
    guard index < ends.count, ends[index] == head &+ byteCount else {
      forget()
      return call.reader.expectNothing()
    }
    lookups.expect(at: index, in: input, behind: head, call.reader)
    head &+= byteCount
    index &+= 1
  }

  /// Looks at the requests at the beginning of `input`.
  private func look(at input: RawSpan, _ call: borrowing Call) {
    forget()
    lookups.removeAll()
    head = 0
    var end = 0
    while ends.count < LookupPrefetcher.limit, let next = request(in: input, at: end) {
      if let command = call.server.table.index(of: input.extracting(next.name)) {
        lookups.append(
          next.key, of: input, readsFile: call.server.table.readsKeys(command), in: call.reader)
      } else {
        lookups.append()
      }
      ends.append(next.end)
      end = next.end
    }
    if !ends.isEmpty { lookups.run(in: input, call.reader) }
  }

  /// The name and the first argument of the request at `start`, and where it ends, if all of it is there.
  @inline(__always)
  private func request(
    in input: RawSpan, at start: Int
  ) -> (name: Range<Int>, key: Range<Int>, end: Int)? {
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
    return (name, key, last.upperBound &+ 2)
  }

  @inline(__always)
  private func bulk(in input: RawSpan, at start: Int) -> Range<Int>? {
    guard start < input.byteCount, let (count, end) = shortNumber(in: input, at: start &+ 1),
      count &+ end &+ 4 <= input.byteCount
    else { return nil }
    return end &+ 2..<end &+ 2 &+ count
  }
}
