/// Which replies a connection gets (CLIENT REPLY).
enum ReplyMode {
  case on
  /// None, until it is on again.
  case off
  /// All but that of the next request.
  case skipsNext
  /// That of the request under way is left out.
  case skips

  /// Whether the request under way gets its reply.
  var isWanted: Bool { self == .on || self == .skipsNext }

  /// To be called before a request is carried out.
  mutating func begin() {
    if self == .skipsNext { self = .skips }
  }

  /// Takes back the reply that began at `start`, if it is not wanted.
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
