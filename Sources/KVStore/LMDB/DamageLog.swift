import Base

/// The damaged values that reads of one partition have met. Each is counted once, and reported once.
final class DamageLog: Sendable {
  /// The most keys that are counted. Damage beyond that is not recorded.
  static let keyLimit = 10_000
  /// The most findings that wait to be reported.
  static let pendingLimit = 16

  private struct State {
    /// Hashes of addresses, which take little memory. Two addresses with the same hash count as one.
    var keys: Set<Int> = []
    var pending: [Finding] = []
    var omittedCount = 0
  }

  private let state = Lock(State())

  /// The number of damaged values, `keyLimit` at most.
  var count: Int { state.withLock { $0.keys.count } }

  func note(_ finding: Finding) {
    state.withLock { state in
      guard state.keys.count < Self.keyLimit,
        state.keys.insert([[finding.keyspace], finding.key ?? []].hashValue).inserted
      else { return }
      if state.pending.count < Self.pendingLimit {
        state.pending.append(finding)
      } else {
        state.omittedCount += 1
      }
    }
  }

  /// The findings since the last call, and how many more were omitted.
  func take() -> (findings: [Finding], omittedCount: Int) {
    state.withLock { state in
      defer {
        state.pending = []
        state.omittedCount = 0
      }
      return (state.pending, state.omittedCount)
    }
  }
}
