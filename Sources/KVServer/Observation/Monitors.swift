import Base
import Net
import Synchronization

/// The clients in MONITOR, and the lines queued for them.
///
/// Commands run on several event loops. Each loop appends its lines to every monitor's feed, and the
/// monitor's own loop sends them. A feed that is not drained fast enough is cut off: a slow monitor must
/// neither delay others nor use unbounded memory.
final class Monitors: Sendable {
  private let feeds = Lock<[UInt64: MonitorFeed]>([:])
  private let count = Atomic<Int>(0)

  var isActive: Bool { count.load(ordering: .relaxed) > 0 }

  func enter(_ id: UInt64, _ handle: LoopHandle) -> MonitorFeed {
    let feed = MonitorFeed(handle: handle)
    feeds.withLock { feeds in
      feeds[id] = feed
      count.store(feeds.count, ordering: .relaxed)
    }
    return feed
  }

  func leave(_ id: UInt64) {
    feeds.withLock { feeds in
      feeds[id] = nil
      count.store(feeds.count, ordering: .relaxed)
    }
  }

  /// Reports a command to every monitor, in Redis's form: time, database and origin, arguments. A line that
  /// no monitor has room for is not built: for a request of 64 MiB it could be four times as large.
  func tell(_ arguments: [Range<Int>], in request: RawSpan, from origin: String) {
    let feeds = feeds.withLock { Array($0.values) }
    let room = feeds.reduce(0) { max($0, $1.room) }
    let line = Self.line(arguments, in: request, from: origin, room: room)
    for feed in feeds { if let line { feed.append(line) } else { feed.cutOff() } }
  }

  /// Nil if the line would be longer than `room`. Complexity: O(min(length of the line, `room`)).
  private static func line(
    _ arguments: [Range<Int>], in request: RawSpan, from origin: String, room: Int
  ) -> [UInt8]? {
    let (seconds, microseconds) = SystemClock.timeOfDay()
    let fraction = String(microseconds + 1_000_000).dropFirst()
    var line = Array("+\(seconds).\(fraction) [0 \(origin)]".utf8)
    let hidden = Redaction.hidden(arguments, in: request)
    for (index, range) in arguments.enumerated() {
      line.append(0x20)
      if hidden.contains(index) {
        line += [0x22] + Redaction.text + [0x22]
      } else {
        quote(request.extracting(range), into: &line, room: room)
      }
      guard line.count <= room else { return nil }
    }
    line += [0x0D, 0x0A]
    return line
  }

  private static let digits = Array("0123456789abcdef".utf8)

  /// Stops when the line is longer than `room`.
  private static func quote(_ text: RawSpan, into line: inout [UInt8], room: Int) {
    line.append(0x22)
    for offset in 0..<text.byteCount {
      guard line.count <= room else { return }
      let byte = text.byte(at: offset)
      switch byte {
      case 0x22, 0x5C: line += [0x5C, byte]
      case 0x0A: line += Array("\\n".utf8)
      case 0x0D: line += Array("\\r".utf8)
      case 0x09: line += Array("\\t".utf8)
      case 0x07: line += Array("\\a".utf8)
      case 0x08: line += Array("\\b".utf8)
      case 0x20...0x7E: line.append(byte)
      default: line += [0x5C, 0x78, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    line.append(0x22)
  }
}

/// The lines for one monitor that its event loop has not taken yet.
final class MonitorFeed: Sendable {
  private struct State {
    var bytes: [UInt8] = []
    var isCutOff = false
  }

  /// The most bytes that may be queued between two turns of the monitor's loop.
  private static let byteLimit = 4 << 20
  private let handle: LoopHandle
  private let state = Lock(State())

  init(handle: LoopHandle) { self.handle = handle }

  /// The longest line that the feed accepts; 0 once it is cut off.
  fileprivate var room: Int {
    state.withLock { $0.isCutOff ? 0 : Self.byteLimit - $0.bytes.count }
  }

  fileprivate func append(_ line: [UInt8]) {
    let isTaken = state.withLock { state in
      guard !state.isCutOff, state.bytes.count + line.count <= Self.byteLimit else { return false }
      state.bytes += line
      return true
    }
    if isTaken { signal() } else { cutOff() }
  }

  /// Cuts the feed off because a line did not fit.
  fileprivate func cutOff() {
    state.withLock { state in
      state.isCutOff = true
      state.bytes = []
    }
    signal()
  }

  private func signal() { handle.signal(.event(RESPFrontEnd.Event.feed)) }

  /// Takes the lines queued since the last call; nil if the monitor was too slow.
  func take() -> [UInt8]? {
    state.withLock { state in
      defer { state.bytes = [] }
      return state.isCutOff ? nil : state.bytes
    }
  }
}
