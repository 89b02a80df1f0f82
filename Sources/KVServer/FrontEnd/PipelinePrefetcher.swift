import KVStore

/// Prefetches the keys of a connection's pipelined requests into the processor's cache, before the first of
/// them runs: most of the time of a look-up is spent waiting for memory. What the prefetch found is kept
/// and passed to each request when it runs.
///
/// Stops at the first request that it cannot parse quickly. Each event loop has one and reuses its memory.
final class PipelinePrefetcher {
  private let lookups = LookupPrefetcher()
  /// The end offsets of the known requests, counted from the start of the first one.
  private var ends: [Int] = []
  /// The index of the next request to run.
  private var index = 0
  /// Bytes consumed since the start of the first known request.
  private var head = 0

  /// Call when the requests that follow are not the known ones.
  func forget() {
    ends.removeAll(keepingCapacity: true)
    index = 0
  }

  /// Call before the request in the first `byteCount` bytes is run and consumed. Passes what is known about
  /// its key to the reader.
  @inline(__always)
  func advance(over byteCount: Int, of input: RawSpan, _ call: borrowing Call) {
    if index == ends.count { look(at: input, call) }
    guard index < ends.count, ends[index] == head &+ byteCount else {
      forget()
      return call.reader.clearPreparedKey()
    }
    lookups.expect(at: index, in: input, behind: head, call.reader)
    head &+= byteCount
    index &+= 1
  }

  /// Parses the requests at the beginning of `input` and prefetches their keys.
  private func look(at input: RawSpan, _ call: borrowing Call) {
    forget()
    lookups.removeAll()
    head = 0
    var end = 0
    let table = call.server.table
    while ends.count < LookupPrefetcher.limit, let next = request(in: input, at: end) {
      if let command = table.index(of: input.extracting(next.name)) {
        lookups.append(
          next.key, of: input, readsFile: table.readsKeys(command), in: call.reader)
      } else {
        lookups.append()
      }
      ends.append(next.end)
      end = next.end
    }
    if !ends.isEmpty { lookups.run(in: input, call.reader) }
  }

  /// The name, the first argument and the end of the request at `start`; nil if it is not complete.
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
