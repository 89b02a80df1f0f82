/// What a key can be, reduced to what tells two values apart.
struct State: Hashable, CustomStringConvertible {
  enum Kind: UInt8 { case absent, stamped, empty, number, list, unreadable }

  var kind: Kind
  /// Client and operation of a stamped value, or the sum of a list's tokens in their order.
  var id: UInt64 = 0
  /// The number itself, or the bytes of a list.
  var number: Int = 0

  static let absent = State(kind: .absent)
  static let empty = State(kind: .empty)

  static func stamped(client: Int, operation: Int) -> State {
    State(kind: .stamped, id: UInt64(client) << 40 | UInt64(operation))
  }

  static func list(_ tokens: [UInt64]) -> State {
    tokens.reduce(.absent) { $0.appending($1) }
  }

  func appending(_ token: UInt64) -> State {
    State(
      kind: .list, id: Random.mix(id ^ token), number: number + ListToken.byteCount)
  }

  var description: String {
    switch kind {
    case .absent: "absent"
    case .stamped: "value \(id >> 40).\(id & 0xFF_FFFF_FFFF)"
    case .empty: "empty"
    case .number: "\(number)"
    case .list: "list of \(number / ListToken.byteCount), sum \(id)"
    case .unreadable: "UNREADABLE"
    }
  }
}

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

  /// The state after the change, or nil if a reply contradicts `state`.
  func after(_ state: State) -> State? {
    switch self {
    case .read(let seen): return seen == state ? state : nil
    case .write(let new): return new
    case .remove(let wasPresent):
      if let wasPresent, wasPresent != (state.kind != .absent) { return nil }
      return .absent
    case .add(let amount, let result):
      guard state.kind == .absent || state.kind == .number else { return nil }
      let sum = state.number + amount
      if let result, result != sum { return nil }
      return State(kind: .number, number: sum)
    case .append(let token, let result):
      guard state.kind == .absent || state.kind == .list else { return nil }
      let new = state.appending(token)
      if let result, result != new.number { return nil }
      return new
    case .writeIfAbsent(let new, let isDone):
      if let isDone, isDone != (state.kind == .absent) { return nil }
      return state.kind == .absent ? new : state
    }
  }

  var isRead: Bool {
    if case .read = self { true } else { false }
  }
}

/// A change and the number of its key.
struct Effect: Equatable {
  var key: Int
  var change: Change
}

/// One operation of one client, over any number of keys: a batch takes effect as a whole.
struct Operation {
  enum Outcome { case unknown, acknowledged, refused }

  var client: Int
  var number: Int
  var name: String
  /// Nanoseconds of the monotonic clock before the request was sent.
  var invoked: UInt64
  /// The same after the reply had been read.
  var returned: UInt64 = .max
  var outcome = Outcome.unknown
  var effects: [Effect]
}
