/// What one operation did to one key, or saw there.
enum Change: Equatable {
  case read(State)
  case write(State)
  /// `wasPresent` as the reply told it, if it did.
  case remove(wasPresent: Bool?)
  case add(Int, result: Int?)
  case append(UInt64, result: Int?)
  /// Writes if the key is absent; `isDone` as the reply told it.
  case writeIfAbsent(State, isDone: Bool?)
  /// Writes, and the key expires when it did before.
  case overwrite(State)
  /// Removes what must be just that.
  case take(State)
  case setExpiry(ClosedRange<Int>, isDone: Bool?)
  case persist(isDone: Bool?)

  /// The states that there may be after the change, none if a reply contradicts `state`. `clock` is what
  /// the daemon's clock can have shown: where that leaves open whether the key has expired it may be either.
  func after(_ state: State, clock: ClosedRange<Int> = 0...0) -> [State] {
    guard let expiry = state.expiry else { return after(state).map { [$0] } ?? [] }
    let alive = clock.lowerBound < expiry.upperBound ? after(state) : nil
    let expired = expiry.lowerBound <= clock.upperBound ? after(.absent) : nil
    return [alive, expired].compactMap { $0 }
  }

  private func after(_ state: State) -> State? {
    let isAbsent = state.kind == .absent
    switch self {
    case .read(let seen): return state.allows(seen) ? state.narrowed(by: seen) : nil
    case .write(let new): return new
    case .remove(let wasPresent):
      if let wasPresent, wasPresent == isAbsent { return nil }
      return .absent
    case .add(let amount, let result):
      guard isAbsent || state.kind == .number else { return nil }
      let sum = state.number + amount
      if let result, result != sum { return nil }
      return State(kind: .number, number: sum)
    case .append(let token, let result):
      guard isAbsent || state.kind == .list else { return nil }
      let new = state.appending(token)
      if let result, result != new.number { return nil }
      return new
    case .writeIfAbsent(let new, let isDone):
      if let isDone, isDone != isAbsent { return nil }
      return isAbsent ? new : state
    case .overwrite(let new): return new.expiring(state.expiry)
    case .take(let seen): return state.allows(seen) ? .absent : nil
    case .setExpiry(let expiry, let isDone):
      if let isDone, isDone == isAbsent { return nil }
      return isAbsent ? state : state.expiring(expiry)
    case .persist(let isDone):
      if let isDone, isDone != (state.expiry != nil) { return nil }
      return state.expiring(nil)
    }
  }

  var isRead: Bool {
    if case .read = self { true } else { false }
  }
}
