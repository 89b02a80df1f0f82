import Base
import KVStore

/// The time limit of one evaluation (a command that writes, EXEC, a script), for which all writers wait. It is
/// set by `busy-reply-threshold`.
///
/// Work that may take long must check the limit. A single lookup, copy or checksum of one value does not, so it
/// may exceed the limit; the evaluation then ends after it.
///
/// The time counts from the first check, so a command that does little never reads the clock. EXEC checks
/// before each command, walks every few thousand steps, scripts every few hundred instructions. When the server
/// stops, the current evaluation has a tenth of a second to end.
///
/// Belongs to one event loop.
final class EvaluationDeadline {
  private let clock = TickClock.standard
  private let handle: LoopHandle
  private let pace: ScanBudget
  private(set) var limitMilliseconds: Int
  private var limitTicks: UInt64
  private let stopTicks: UInt64
  /// When the current evaluation made its first check, in ticks, and the number of that evaluation.
  private var begun: UInt64 = 0
  private var evaluation: UInt64 = 0

  init(_ handle: LoopHandle, _ pace: ScanBudget, milliseconds: Int) {
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

  /// Whether the time of the current evaluation is up at the moment `now`, in ticks.
  func isOver(at now: UInt64) -> Bool {
    let passed = passed(at: now)
    return passed >= limitTicks || (passed >= stopTicks && handle.shouldStop)
  }

  /// Whether the server is stopping and the current evaluation has had its time to end.
  func isStopped() -> Bool { handle.shouldStop && passed(at: clock.now) >= stopTicks }

  private func passed(at now: UInt64) -> UInt64 {
    if evaluation != pace.evaluationCount {
      evaluation = pace.evaluationCount
      begun = now
    }
    return now &- begun
  }

  /// How long a script that begins now may run: for the rest of its evaluation's time, if it is part of one.
  var nanosecondsLeft: Int64 {
    guard pace.isEvaluating else { return Int64(limitMilliseconds) * 1_000_000 }
    let passed = passed(at: clock.now)
    return passed < limitTicks ? Int64(clamping: clock.nanoseconds(limitTicks &- passed)) : 0
  }

  /// The error of a command, transaction or script that was ended because its time was up.
  func refusal(of what: String) -> [UInt8] {
    let reason =
      handle.shouldStop
      ? "the server is shutting down; nothing was written"
      : "it ran for more than \(limitMilliseconds) milliseconds (busy-reply-threshold), blocking all "
        + "writers; nothing was written"
    return [UInt8]("ERR the \(what) was stopped because \(reason)".utf8)
  }
}
