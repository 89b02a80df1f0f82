/// What a key can be, reduced to what tells two values apart.
struct State: Hashable, CustomStringConvertible {
  enum Kind: UInt8 { case absent, stamped, empty, number, list, unreadable }

  var kind: Kind
  /// Client and operation of a stamped value, or the sum of a list's tokens in their order.
  var id: UInt64 = 0
  /// The number itself, or the bytes of a list.
  var number: Int = 0
  /// When it ends, in milliseconds since 1970: a range where no reply has told the moment; nil for never.
  var expiry: ClosedRange<Int>?

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

  func expiring(_ expiry: ClosedRange<Int>?) -> State {
    var state = self
    state.expiry = expiry
    return state
  }

  /// Whether it may be `seen`, whose expiry was read.
  func allows(_ seen: State) -> Bool {
    guard expiring(nil) == seen.expiring(nil) else { return false }
    guard let expiry, let moment = seen.expiry else { return expiry == seen.expiry }
    return expiry.overlaps(moment)
  }

  /// Itself, with what `seen` tells of its expiry: it allows that.
  func narrowed(by seen: State) -> State {
    guard let expiry, let moment = seen.expiry else { return self }
    return expiring(expiry.clamped(to: moment))
  }

  var description: String {
    guard let expiry else { return name }
    return name + " until "
      + (expiry.count == 1 ? "\(expiry.lowerBound)" : "\(expiry.lowerBound)…\(expiry.upperBound)")
  }

  private var name: String {
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
