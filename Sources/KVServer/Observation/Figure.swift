import Base
import KVStore

/// A figure that monitors ask for again and again, on event loops, and that may take long to make.
///
/// As long as it takes no longer than others can wait for it is made whenever it is asked for. After that it is made by a
/// thread that nobody waits for, while somebody asks, and an event loop tells the last one.
final class Figure<Value: Sendable>: Sendable {
  /// What an event loop may spend on it.
  static var inlineMicroseconds: Int64 { 5_000 }
  /// Making it takes no more than a tenth of the time.
  private static var rest: Int64 { 10 }

  struct Made: Sendable {
    let value: Value
    /// It was given up before it was exact, because it took too long.
    var isEstimate = false
  }

  private struct State {
    var value: Value?
    var madeAt: Int64 = 0
    /// In microseconds.
    var cost: Int64 = 0
    /// How often in a row it took an event loop too long. The first time the machine may have been busy.
    var slowCount = 0
    var isExpensive = false
    var isAsked = false
  }

  private let state = Lock(State())

  /// The newest, made by `make` where that is known to be quick, or nothing is known.
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

  /// Computes it again on a thread that nobody waits for, if somebody has asked for it and it is time.
  func renewIfAsked(_ make: () throws(StoreError) -> Made) throws(StoreError) {
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
