import Base

/// The damaged values that reads of one partition have met. Each counts once, and is to be told once.
final class DamageLog: Sendable {
  /// As many keys are told apart; of more it is only known that there are.
  static let keyLimit = 10_000
  /// As many wait to be told.
  static let pendingLimit = 16

  private struct State {
    /// Hashes, which take little memory. Two keys with the same one count as one.
    var keys: Set<Int> = []
    var pending: [Finding] = []
    var omittedCount = 0
  }

  private let state = Lock(State())

  /// How many there are, `keyLimit` at most.
  var count: Int { state.withLock { $0.keys.count } }

  func note(_ finding: Finding) {
    state.withLock { state in
      guard state.keys.count < Self.keyLimit,
        state.keys.insert((finding.key ?? []).hashValue).inserted
      else { return }
      if state.pending.count < Self.pendingLimit {
        state.pending.append(finding)
      } else {
        state.omittedCount += 1
      }
    }
  }

  /// Those that were met since the last call, and how many were besides.
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
