import KVStore

/// The error replies for errors of the store.
enum StoreErrorReply {
  /// Refused writes get MISCONF, Redis's code for "cannot persist", which clients know how to treat.
  static func write(_ error: StoreError, to reply: inout ReplyWriter) {
    switch error {
    case .poisoned, .diskFull, .logHeld, .readOnly: reply.error("MISCONF \(error)")
    case .wrongType:
      reply.error("WRONGTYPE Operation against a key holding the wrong kind of value")
    default: reply.error("ERR \(error)")
    }
  }

  /// The error that a connection gets in place of replies that can no longer be confirmed.
  static func writeOutcomeUnknown(_ error: StoreError, to reply: inout ReplyWriter) {
    reply.error(
      "ERR outcome unknown: the log failed before this write was known to be durable (\(error)); "
        + "the connection is closed")
  }
}
