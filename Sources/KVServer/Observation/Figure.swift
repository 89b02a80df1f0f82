import Base
import KVStore

/// A statistic that monitoring tools request repeatedly, on event loops, and that may be slow to compute.
///
/// While it is fast to compute, it is computed on every request. Once it is slow, a background thread
/// computes it as long as it is requested, and event loops return the last value.
final class Figure<Value: Sendable>: Sendable {
  /// How long an event loop may spend on it.
  static var inlineMicroseconds: Int64 { 5_000 }
  /// Computing it in the background takes at most a tenth of the time.
  private static var rest: Int64 { 10 }

  struct Made: Sendable {
    let value: Value
    /// The computation took too long and was stopped before it was exact.
    var isEstimate = false
  }

  private struct State {
    var value: Value?
    var madeAt: Int64 = 0
    /// In microseconds.
    var cost: Int64 = 0
    /// How often in a row an event loop took too long to compute it. A single time is ignored: the machine
    /// may have been busy.
    var slowCount = 0
    var isExpensive = false
    var isAsked = false
  }

  private let state = Lock(State())

  /// The newest value. Computed by `make` unless that is known to be slow.
  func value(_ make: () throws(StoreError) -> Made) throws(StoreError) -> Value {
    let kept = state.withLock { state -> Value? in
      guard state.isExpensive else { return nil }
      state.isAsked = true
      return state.value
    }
    if let kept { return kept }
    return try renew(make) { state, isEstimate in
      state.slowCount = state.cost > Self.inlineMicroseconds ? state.slowCount + 1 : 0
      state.isExpensive = isEstimate || state.slowCount > 1
    }
  }

  /// Recomputes the value if it was requested and is due. For a background thread.
  func refreshIfRequested(_ make: () throws(StoreError) -> Made) throws(StoreError) {
    let now = Self.now
    let isDue = state.withLock { state in
      guard state.isAsked, now >= state.madeAt + Self.rest * state.cost else {
        return false
      }
      state.isAsked = false
      return true
    }
    guard isDue else { return }
    _ = try renew(make) { state, _ in
      state.slowCount = 0
      state.isExpensive = state.cost > Self.inlineMicroseconds / 2
    }
  }

  private func renew(
    _ make: () throws(StoreError) -> Made, _ judge: (inout State, _ isEstimate: Bool) -> Void
  ) throws(StoreError) -> Value {
    let begun = Self.now
    let made = try make()
    let ended = Self.now
    state.withLock { state in
      state.value = made.value
      state.madeAt = ended
      state.cost = ended - begun
      judge(&state, made.isEstimate)
    }
    return made.value
  }

  private static var now: Int64 { SystemClock.monotonicMicroseconds() }
}
