import Base

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

  func reading() -> ClosedRange<Int> {
    let now = System.now()
    return reading(from: now, to: now)
  }
}
