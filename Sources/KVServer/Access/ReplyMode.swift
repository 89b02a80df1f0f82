/// Which replies a connection gets (CLIENT REPLY).
enum ReplyMode {
  case on
  /// None, until switched on again.
  case off
  /// All but the reply to the next request.
  case skipsNext
  /// The reply to the current request is left out.
  case skips

  /// Whether the current request gets its reply.
  var isWanted: Bool { self == .on || self == .skipsNext }

  /// Call before a request is run.
  mutating func begin() {
    if self == .skipsNext { self = .skips }
  }

  /// Removes the reply that began at `start` if it is not wanted.
  static func settle(_ start: Int, _ call: inout Call) {
    switch call.disposition {
    case .parked, .waiting: return
    case .next, .close: break
    }
    switch call.session.replyMode {
    case .on, .skipsNext: return
    case .off: call.reply.takeBack(to: start)
    case .skips:
      call.reply.takeBack(to: start)
      call.session.replyMode = .on
      call.refreshGate()
    }
  }
}
