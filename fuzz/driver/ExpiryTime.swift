import Base

/// What the clocks of the daemon can have shown between two instants, in milliseconds.
struct ClockReading: Equatable {
  /// The machine's, as the daemon is told, since 1970: what clients mean by a moment.
  var wall: ClosedRange<Int>
  /// By how much the one by which keys expire was ahead of it.
  var lead: ClosedRange<Int>
}

/// What the clock by which the daemon's keys expire can show at an instant, as far as that can be told from
/// outside, in milliseconds since 1970.
///
/// It shows the time of day that the daemon is told, unless that was set back: then it goes on from where it was,
/// if the daemon has looked at it there. So it is never before the time of day that is set, and never behind
/// the latest that was ever set.
final class ExpiryTime: Sendable {
  private struct Setting {
    /// The driver's instants around the change.
    var begin: UInt64
    var end: UInt64
    /// How far from the truth.
    var milliseconds: Int
  }

  private struct State {
    var settings = [Setting(begin: 0, end: 0, milliseconds: 0)]
    /// How far the true time of day was ahead of the driver's instants, at least and at most.
    var ahead: ClosedRange<Int>
  }

  private let clock: Clock?
  private let state: Lock<State>

  init(_ clock: Clock?) {
    self.clock = clock
    let ahead = System.timeAhead()
    state = Lock(State(ahead: (ahead - 1)...(ahead + 1)))
  }

  var canJump: Bool { clock != nil }

  func set(seconds: Int) {
    let begin = System.now()
    // Entered before it is done: whoever asks meanwhile must know of it.
    state.withLock {
      $0.settings.append(Setting(begin: begin, end: .max, milliseconds: seconds * 1000))
    }
    clock?.set(seconds: seconds)
    let end = System.now()
    state.withLock { $0.settings[$0.settings.count - 1].end = end }
  }

  /// Looks whether somebody else has set the machine's own clock.
  func observe() {
    let ahead = System.timeAhead()
    state.withLock {
      $0.ahead =
        min($0.ahead.lowerBound, ahead - 1)...max($0.ahead.upperBound, ahead + 1)
    }
  }

  /// The least and the most that the clock can show between two of the driver's instants.
  func reading(from start: UInt64, to end: UInt64) -> ClosedRange<Int> {
    state.withLock { state in
      let settings = state.settings
      var (least, most) = (Int.max, 0)
      for index in settings.indices where settings[index].begin <= end {
        most = max(most, settings[index].milliseconds)
        if index + 1 == settings.count || settings[index + 1].end >= start {
          least = min(least, settings[index].milliseconds)
        }
      }
      let low = Int(start / 1_000_000) + state.ahead.lowerBound + least
      return low...max(low, Int(end / 1_000_000) + state.ahead.upperBound + most)
    }
  }

  /// Whether a clock was set, or may have been.
  func wasSet(from start: UInt64, to end: UInt64) -> Bool {
    state.withLock { $0.settings.dropFirst().contains { $0.begin <= end && $0.end >= start } }
  }

  /// What a moment that is told or asked for meanwhile may mean.
  func clocks(from start: UInt64, to end: UInt64) -> ClockReading {
    state.withLock { state in
      let settings = state.settings
      var (least, most, latest) = (Int.max, Int.min, 0)
      for index in settings.indices where settings[index].begin <= end {
        latest = max(latest, settings[index].milliseconds)
        if index + 1 == settings.count || settings[index + 1].end >= start {
          least = min(least, settings[index].milliseconds)
          most = max(most, settings[index].milliseconds)
        }
      }
      let low = Int(start / 1_000_000) + state.ahead.lowerBound + least
      let high = Int(end / 1_000_000) + state.ahead.upperBound + most
      // Up to ten milliseconds are none to the daemon.
      let own = state.ahead.count > 10 ? state.ahead.count : 0
      return ClockReading(wall: low...max(low, high), lead: 0...(latest - least + own))
    }
  }

  func reading() -> ClosedRange<Int> {
    let now = System.now()
    return reading(from: now, to: now)
  }
}
