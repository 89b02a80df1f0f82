import KVData
import KVStore

/// HRANDFIELD key [count [WITHVALUES]]
enum HashRandom {
  static let commands: [Command] = [
    Command(
      "hrandfield", arity: -2, [.readOnly, .scans], keys: .one, group: "hash",
      "Get one or multiple random fields from a hash", .cut(run, run))
  ]

  static func run<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard call.count > 2 else { return try one(&view, &call, request) }
    guard let count = RandomCount.parse(request.extracting(call[2]), &call) else { return }
    let withValues = call.count > 3
    if withValues {
      guard call.count == 4, request.extracting(call[3]).spells("WITHVALUES") else {
        return call.syntaxError()
      }
      guard count.magnitude <= Int64.max / 2 else {
        return call.reply.error("ERR value is out of range")
      }
    }
    guard let map = try view.map(at: request.extracting(call[1])), count != 0 else {
      return call.reply.array(0)
    }
    let drawn = RandomCount.drawn(count, of: map.count)
    let arePairs = withValues && call.reply.isRESP3
    guard RandomCount.fits(withValues ? drawn * 2 : drawn, &call) else { return }
    call.reply.array(withValues && !arePairs ? drawn * 2 : drawn)
    try RandomCount.draw(count, from: map, in: &view) { field, value in
      if arePairs { call.reply.array(2) }
      call.reply.bulk(field)
      if withValues { call.reply.bulk(value) }
      return !call.reply.isOverflowing
    }
  }

  private static func one<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let map = try view.map(at: request.extracting(call[1])) else {
      return call.reply.null()
    }
    try RandomCount.draw(-1, from: map, in: &view) { field, _ in
      call.reply.bulk(field)
      return false
    }
  }
}

/// The number of random fields or members to draw. A positive count draws distinct ones; a negative count draws
/// that many with repetition.
enum RandomCount {
  /// Nil, with the error written, if the count is invalid.
  static func parse(_ text: RawSpan, _ call: inout Call) -> Int64? {
    guard let count = parseInteger(text) else {
      call.notAnInteger()
      return nil
    }
    guard count != .min else {
      call.reply.error(
        "ERR value is out of range, value must between \(-Int64.max) and \(Int64.max)")
      return nil
    }
    return count
  }

  /// How many are drawn if there are `available`.
  static func drawn(_ count: Int64, of available: Int) -> Int {
    count < 0 ? Int(-count) : Int(min(count, Int64(available)))
  }

  /// Whether a reply can hold `drawn` elements. If not, the reply overflows at once, rather than after
  /// gigabytes of work.
  static func fits(_ drawn: Int, _ call: inout Call) -> Bool {
    let leastElementByteCount = 6
    let (byteCount, isBeyond) = drawn.multipliedReportingOverflow(by: leastElementByteCount)
    return call.reply.hasRoom(for: isBeyond ? Int.max / 2 : byteCount)
  }

  static func draw<V: EntryView & ~Copyable>(
    _ count: Int64, from map: FoundMap, in view: inout V,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    var random = RandomFields(of: map)
    if count < 0 {
      try random.repeated(Int(-count), in: &view, body)
    } else {
      try random.distinct(Int(count), in: &view, body)
    }
  }
}
