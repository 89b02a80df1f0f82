import KVStore

/// The error replies that errors of the store become.
enum StoreErrorReply {
  /// Refused writes carry Redis's code for "cannot persist", which clients know how to treat.
  static func write(_ error: StoreError, to reply: inout ReplyWriter) {
    switch error {
    case .poisoned, .diskFull, .readOnly: reply.error("MISCONF \(error)")
    case .wrongType:
      reply.error("WRONGTYPE Operation against a key holding the wrong kind of value")
    default: reply.error("ERR \(error)")
    }
  }

  /// What a connection is told instead of the replies it will never get.
  static func writeOutcomeUnknown(_ error: StoreError, to reply: inout ReplyWriter) {
    reply.error(
      "ERR outcome unknown: the log failed before this write was known to be durable (\(error)); "
        + "the connection is closed")
  }
}
