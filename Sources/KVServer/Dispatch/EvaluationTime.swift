import KVStore

/// How long one evaluation (a command that writes, EXEC, a script) may have all writers wait: as long as
/// `busy-reply-threshold` says.
///
/// What takes long must ask: a single look-up, a copy or a sum over one value does not, so that one of those may pass
/// the time, and what it is a part of ends behind it.
///
/// It counts from the first time that somebody asks, so that a command that does little never reads the clock for
/// it: EXEC asks before each command, walks ask every few thousand steps, scripts every few hundred instructions. A
/// server that stops gives an evaluation that is under way a tenth of a second to end.
///
/// Belongs to one event loop.
final class EvaluationTime {
  private let clock = TickClock.standard
  private let handle: LoopHandle
  private let pace: WalkPace
  private(set) var limitMilliseconds: Int
  private var limitTicks: UInt64
  private let stopTicks: UInt64
  /// When the evaluation under way was first asked about, in ticks, and which one that was.
  private var begun: UInt64 = 0
  private var evaluation: UInt64 = 0

  init(_ handle: LoopHandle, _ pace: WalkPace, milliseconds: Int) {
    self.handle = handle
    self.pace = pace
    limitMilliseconds = milliseconds
    limitTicks = clock.ticks(microseconds: milliseconds * 1000)
    stopTicks = clock.ticks(microseconds: 100_000)
    pace.endEvaluations { [unowned self] in isOver(at: clock.now) }
  }

  func setLimit(milliseconds: Int) {
    limitMilliseconds = milliseconds
    limitTicks = clock.ticks(microseconds: milliseconds * 1000)
  }

  /// Whether the time of the evaluation under way is up, at the moment `now` in ticks.
  func isOver(at now: UInt64) -> Bool {
    let passed = passed(at: now)
    return passed >= limitTicks || (passed >= stopTicks && handle.shouldStop)
  }

  /// Whether the server stops and the evaluation under way has had the time for that.
  func isStopped() -> Bool { handle.shouldStop && passed(at: clock.now) >= stopTicks }

  private func passed(at now: UInt64) -> UInt64 {
    if evaluation != pace.evaluationCount {
      evaluation = pace.evaluationCount
      begun = now
    }
    return now &- begun
  }

  /// What a script may take that begins now: what is left to the evaluation that it is a part of, if it is.
  var nanosecondsLeft: Int64 {
    guard pace.isEvaluating else { return Int64(limitMilliseconds) * 1_000_000 }
    let passed = passed(at: clock.now)
    return passed < limitTicks ? Int64(clamping: clock.nanoseconds(limitTicks &- passed)) : 0
  }

  /// Why a command, a transaction or a script was ended whose time was up.
  func refusal(of what: String) -> [UInt8] {
    let reason =
      handle.shouldStop
      ? "the server is stopping: nothing was written"
      : "it ran for more than \(limitMilliseconds) milliseconds (busy-reply-threshold): all writers wait "
        + "for it; nothing was written"
    return [UInt8]("ERR the \(what) was ended because \(reason)".utf8)
  }
}
