import Base

/// Times the commands of one event loop. The end of one command is the start of the next, so each command
/// reads the clock once.
struct CommandMeter {
  let clock = TickClock.standard
  private var began: UInt64 = 0
  /// The ticks from which on a command is slow, for the slow log or the latency log.
  var slowTicks = UInt64.max
  /// Whether latency histograms are kept.
  var tracksLatency = true

  /// When the last command ended, which is when the next began.
  @inline(__always)
  var latest: UInt64 { began }

  /// Starts timing the first of several commands.
  @inline(__always)
  mutating func begin() { began = clock.now }

  /// Adds `ticks` that the current command took elsewhere.
  mutating func add(_ ticks: UInt64) { began &-= ticks }

  /// Ends a command and starts the next. Returns how many ticks it took.
  @inline(__always)
  mutating func end() -> UInt64 {
    let now = clock.now
    defer { began = now }
    return now &- began
  }

  @inline(__always)
  mutating func nanoseconds(_ ticks: UInt64) -> UInt64 { clock.nanoseconds(ticks) }
}

/// The processor's counter if it runs at a constant rate, otherwise the system's monotonic clock.
struct TickClock: Sendable {
  private let usesCounter: Bool
  /// Nanoseconds are ticks × this / 2^24.
  private let scale: UInt64

  /// Calibrates the counter against the clock once, for 4 ms.
  static let standard = TickClock()

  private init() {
    usesCounter = System.hasInvariantCounter
    guard usesCounter else {
      scale = 1 << 24
      return
    }
    let counter = System.counter
    let begun = SystemClock.monotonicNanoseconds()
    var elapsed: UInt64 = 0
    while elapsed < 4_000_000 { elapsed = SystemClock.monotonicNanoseconds() - begun }
    let ticks = max(1, System.counter - counter)
    scale = max(1, UInt64((Double(elapsed) / Double(ticks) * Double(1 << 24)).rounded()))
  }

  @inline(__always)
  var now: UInt64 { usesCounter ? System.counter : SystemClock.monotonicNanoseconds() }

  @inline(__always)
  func nanoseconds(_ ticks: UInt64) -> UInt64 {
    let (high, low) = ticks.multipliedFullWidth(by: scale)
    return high << 40 | low >> 24
  }

  func ticks(microseconds: Int) -> UInt64 {
    let ticks = (Double(microseconds) * 1000 * Double(1 << 24) / Double(scale)).rounded(.up)
    return ticks < Double(UInt64.max / 2) ? UInt64(ticks) : .max
  }
}
