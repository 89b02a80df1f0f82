import Synchronization

/// What one event loop has counted of each command and each error. The loop enters many at once; INFO
/// adds the loops up.
final class LoopStatistics: Sendable {
  struct Tally: Sendable {
    var calls: UInt64 = 0
    var nanoseconds: UInt64 = 0
    var rejected: UInt64 = 0
    var failed: UInt64 = 0
    var histogram: Histogram?

    mutating func merge(_ other: Tally) {
      calls += other.calls
      nanoseconds += other.nanoseconds
      rejected += other.rejected
      failed += other.failed
      guard let more = other.histogram else { return }
      if histogram == nil { histogram = more } else { histogram?.merge(more) }
    }
  }

  private struct State {
    /// By index in the table.
    var tallies: [Int: Tally] = [:]
    /// By code, as in `ERR`.
    var errors: [String: UInt64] = [:]
    var tracksLatency = true
  }

  /// More kinds of errors than there are, but for those that DEBUG makes up.
  private static let errorKindLimit = 128
  private let state = Mutex(State())

  func add(_ entries: [CommandMeter.Entry], _ clock: TickClock) {
    state.withLock { state in
      let tracks = state.tracksLatency
      for entry in entries {
        Self.add(entry, clock, to: &state.tallies[entry.command, default: Tally()], tracks)
      }
    }
  }

  private static func add(
    _ entry: CommandMeter.Entry, _ clock: TickClock, to tally: inout Tally, _ tracks: Bool
  ) {
    guard entry.outcome != .rejected else {
      tally.rejected += 1
      return
    }
    let nanoseconds = clock.nanoseconds(entry.ticks)
    tally.calls += 1
    tally.nanoseconds += nanoseconds
    if entry.outcome == .failed { tally.failed += 1 }
    guard tracks else { return }
    if tally.histogram == nil { tally.histogram = Histogram() }
    tally.histogram?.add(nanoseconds)
  }

  func addError(_ code: String) {
    state.withLock { state in
      guard state.errors[code] != nil || state.errors.count < Self.errorKindLimit else { return }
      state.errors[code, default: 0] += 1
    }
  }

  func trackLatency(_ tracks: Bool) { state.withLock { $0.tracksLatency = tracks } }

  func reset() {
    state.withLock { state in
      state.tallies = [:]
      state.errors = [:]
    }
  }

  /// Everything that these loops have counted.
  static func sum(_ loops: [LoopStatistics]) -> (tallies: [Int: Tally], errors: [String: UInt64]) {
    var tallies: [Int: Tally] = [:]
    var errors: [String: UInt64] = [:]
    for loop in loops {
      let (more, moreErrors) = loop.state.withLock { ($0.tallies, $0.errors) }
      for (command, tally) in more { tallies[command, default: Tally()].merge(tally) }
      errors.merge(moreErrors, uniquingKeysWith: +)
    }
    return (tallies, errors)
  }
}
