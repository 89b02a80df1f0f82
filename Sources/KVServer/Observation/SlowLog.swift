import Base

/// The newest slow commands.
final class SlowLog: Sendable {
  struct Entry: Sendable {
    var id: Int64 = 0
    /// Seconds since 1970.
    let time: Int64
    let microseconds: Int64
    let arguments: [[UInt8]]
    let address: String
    let name: String
  }

  private struct State {
    var entries: [Entry] = []
    var nextID: Int64 = 0
  }

  private static let argumentLimit = 32
  private static let argumentByteLimit = 128
  private let state = Lock(State())

  func add(_ entry: Entry, keeping limit: Int) {
    state.withLock { state in
      var entry = entry
      entry.id = state.nextID
      state.nextID += 1
      state.entries.append(entry)
      Self.trim(&state, to: limit)
    }
  }

  func trim(to limit: Int) { state.withLock { Self.trim(&$0, to: limit) } }

  private static func trim(_ state: inout State, to limit: Int) {
    let excess = state.entries.count - limit
    if excess > 0 { state.entries.removeFirst(excess) }
  }

  var count: Int { state.withLock { $0.entries.count } }

  /// The newest first; all if `limit` is negative.
  func newest(_ limit: Int) -> [Entry] {
    state.withLock { state in
      Array(state.entries.reversed().prefix(limit < 0 ? state.entries.count : limit))
    }
  }

  func reset() { state.withLock { $0.entries = [] } }

  /// The arguments as Redis keeps them: at most 32, each at most 128 bytes, with a note of what was cut.
  static func trimmed(_ arguments: [Range<Int>], in request: RawSpan) -> [[UInt8]] {
    let hidden = Redaction.hidden(arguments, in: request)
    let isLong = arguments.count > argumentLimit
    var texts: [[UInt8]] = []
    for (index, range) in arguments.prefix(isLong ? argumentLimit - 1 : argumentLimit).enumerated()
    {
      guard !hidden.contains(index) else {
        texts.append(Redaction.text)
        continue
      }
      let argument = request.extracting(range)
      var text: [UInt8] = []
      text.append(copying: argument.extracting(first: min(argument.byteCount, argumentByteLimit)))
      if argument.byteCount > argumentByteLimit {
        text += Array("... (\(argument.byteCount - argumentByteLimit) more bytes)".utf8)
      }
      texts.append(text)
    }
    if isLong {
      texts.append(Array("... (\(arguments.count - argumentLimit + 1) more arguments)".utf8))
    }
    return texts
  }
}
