import Base

/// Times the commands of one event loop. The end of one command is the start of the next, so each command
/// reads the clock once.
struct CommandMeter {
  let clock = TickClock.standard
  private var began: UInt64 = 0
  /// The ticks from which on a command is slow, for the slow log or the latency log.
  var slowTicks = UInt64.max
  var thresholds = Thresholds()
  /// MONITOR is in use, so every command is reported.
  var isMonitored = false
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

  /// From when on a command is slow: in microseconds, for `latency` in milliseconds.
  struct Thresholds {
    var slow = -1
    var slowLength = 0
    var latency = 0
  }
}
