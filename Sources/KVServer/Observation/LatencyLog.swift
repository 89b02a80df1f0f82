import Base

/// Latency spikes by event, as in Redis's latency monitor: the worst of each second, for the last 160 such
/// seconds.
final class LatencyLog: Sendable {
  struct Sample: Sendable {
    /// Seconds since 1970.
    let time: Int64
    var milliseconds: Int64
  }

  struct Event: Sendable {
    var samples: [Sample] = []
    var worst: Int64 = 0
  }

  private static let sampleLimit = 160
  private let state = Lock<[String: Event]>([:])

  func add(_ name: String, milliseconds: Int64, time: Int64) {
    state.withLock { events in
      var event = events[name] ?? Event()
      event.worst = max(event.worst, milliseconds)
      if let last = event.samples.last, last.time == time {
        event.samples[event.samples.count - 1].milliseconds = max(last.milliseconds, milliseconds)
      } else {
        event.samples.append(Sample(time: time, milliseconds: milliseconds))
        if event.samples.count > Self.sampleLimit { event.samples.removeFirst() }
      }
      events[name] = event
    }
  }

  var all: [(name: String, event: Event)] {
    state.withLock { $0.sorted { $0.key < $1.key }.map { (name: $0.key, event: $0.value) } }
  }

  func event(_ name: String) -> Event? { state.withLock { $0[name] } }

  /// Removes the named events, or all if none is named; returns how many were removed.
  func reset(_ names: [String]) -> Int {
    state.withLock { events in
      let chosen = names.isEmpty ? Array(events.keys) : names
      return chosen.count { events.removeValue(forKey: $0) != nil }
    }
  }
}
