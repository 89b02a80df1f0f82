/// Times the commands of one event loop, and notes what became of them.
///
/// The end of one command is the beginning of the next, so that a command costs one look at the
/// processor's counter and a few bytes written here; the loop's statistics get them many at a time.
struct CommandMeter {
  struct Entry {
    let command: Int
    let ticks: UInt64
    let outcome: Outcome
  }

  enum Outcome: UInt8 {
    case done
    /// Carried out, and its reply is an error.
    case failed
    /// Refused before anything was carried out.
    case rejected
  }

  let clock = TickClock.standard
  private var entries: [Entry] = []
  private var began: UInt64 = 0
  /// From how many ticks on a command is slow, for whichever log.
  var slowTicks = UInt64.max

  private static let capacity = 256

  init() { entries.reserveCapacity(Self.capacity) }

  var isEmpty: Bool { entries.isEmpty }
  var isFull: Bool { entries.count >= Self.capacity }

  /// The first command of several begins.
  @inline(__always)
  mutating func begin() { began = clock.now }

  /// A command has ended, and the next begins. Returns how long it took if that was long.
  @inline(__always)
  mutating func end(_ command: Int, _ outcome: Outcome) -> UInt64? {
    let now = clock.now
    let ticks = now &- began
    began = now
    entries.append(Entry(command: command, ticks: ticks, outcome: outcome))
    return ticks >= slowTicks ? ticks : nil
  }

  /// The same for one of the commands that EXEC carries out; the next begins at `start`.
  mutating func endPart(_ command: Int, _ outcome: Outcome, since start: inout UInt64) -> UInt64? {
    let now = clock.now
    let ticks = now &- start
    start = now
    entries.append(Entry(command: command, ticks: ticks, outcome: outcome))
    return ticks >= slowTicks ? ticks : nil
  }

  /// Hands over what was noted.
  mutating func flush(to statistics: LoopStatistics) {
    guard !entries.isEmpty else { return }
    statistics.add(entries, clock)
    entries.removeAll(keepingCapacity: true)
  }
}

/// The processor's counter where it runs evenly, the system's clock elsewhere.
struct TickClock: Sendable {
  private let usesCounter: Bool
  /// Nanoseconds are ticks × this / 2^24.
  private let scale: UInt64

  /// Measures the counter against the clock for some milliseconds, once.
  static let standard = TickClock()

  private init() {
    usesCounter = System.hasEvenCounter
    guard usesCounter else {
      scale = 1 << 24
      return
    }
    let counter = System.counter
    let begun = System.monotonicNanoseconds()
    var elapsed: UInt64 = 0
    while elapsed < 4_000_000 { elapsed = System.monotonicNanoseconds() - begun }
    let ticks = max(1, System.counter - counter)
    scale = max(1, UInt64((Double(elapsed) / Double(ticks) * Double(1 << 24)).rounded()))
  }

  @inline(__always)
  var now: UInt64 { usesCounter ? System.counter : System.monotonicNanoseconds() }

  func nanoseconds(_ ticks: UInt64) -> UInt64 {
    let (high, low) = ticks.multipliedFullWidth(by: scale)
    return high << 40 | low >> 24
  }

  func ticks(microseconds: Int) -> UInt64 {
    let ticks = (Double(microseconds) * 1000 * Double(1 << 24) / Double(scale)).rounded(.up)
    return ticks < Double(UInt64.max / 2) ? UInt64(ticks) : .max
  }
}
