import KVStore

/// Replies that do not fit: one error goes out in their place.
extension Call {
  /// Puts an error in place of the reply behind `start`, of which something was dropped. With no more room than a
  /// client may leave unread it is cut off instead. One that wants no reply misses nothing.
  ///
  /// - Parameter limit: what the replies could grow to; `reply.limit` where that is nil.
  @inline(never)
  mutating func refuseReply(from start: Int, limit: Int? = nil) {
    reply.takeBack(to: start)
    guard session.replyMode.isWanted else { return }
    let limit = limit ?? reply.limit
    if limit == hardReplyLimit {
      session.hasOverflowed = true
      disposition = .close
      return
    }
    let isTransaction = server.table.commands[command].name == "exec"
    let beginning = isTransaction ? Transactions.discardedBecause : ""
    let hint = "ask for less at once; nothing was written"
    if limit < ReplyWriter.defaultLimit {
      server.memory.noteRefusal(room: limit - start)
      reply.error(
        "\(beginning)\(ClientMemory.refusal) The reply would be larger than the \(limit) bytes left; \(hint)"
      )
    } else {
      reply.error("\(isTransaction ? beginning : "ERR ")\(ReplyWriter.tooLarge(limit)); \(hint)")
    }
  }

  /// To be called when what an evaluation has replied is whole. One that nobody could be told of is given up: a
  /// command that replies with what it removes would lose it otherwise. A client that wants no reply misses nothing.
  @inline(__always)
  mutating func checkReply(_ evaluation: inout Evaluation) throws(StoreError) {
    if isReplyLost { try giveUp(&evaluation) }
  }

  /// The client wants the reply, and something of it was dropped.
  var isReplyLost: Bool { reply.isOverflowing && session.replyMode.isWanted }

  @inline(never)
  private mutating func giveUp(_ evaluation: inout Evaluation) throws(StoreError) {
    abandonment = Abandonment(isOfReply: true, expired: evaluation.expiredMet)
    throw .abandoned
  }
}
