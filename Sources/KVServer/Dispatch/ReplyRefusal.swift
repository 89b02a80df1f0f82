import KVStore

/// Replies that do not fit: one error is sent in their place.
extension Call {
  /// Replaces the reply after `start`, part of which was dropped, with an error. If the limit was the one on
  /// the client's unsent bytes, the client is disconnected instead. A client that wants no reply gets no error.
  ///
  /// - Parameter limit: what the replies could grow to; `reply.limit` if nil.
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
    let hint = "request less data at a time; nothing was written"
    if limit < ReplyWriter.defaultLimit {
      server.memory.noteRefusal(room: limit - start)
      reply.error(
        "\(beginning)\(BufferMemory.refusal) The reply would be larger than the \(limit) bytes left; \(hint)"
      )
    } else {
      reply.error("\(isTransaction ? beginning : "ERR ")\(ReplyWriter.tooLarge(limit)); \(hint)")
    }
  }

  /// To be called when the reply of an evaluation is complete. If the reply is lost, the evaluation is
  /// abandoned: a command that replies with what it removes would lose that otherwise.
  @inline(__always)
  mutating func checkReply(_ evaluation: inout Evaluation) throws(StoreError) {
    if isReplyLost { try giveUp(&evaluation) }
  }

  /// The client wants the reply, and part of it was dropped.
  var isReplyLost: Bool { reply.isOverflowing && session.replyMode.isWanted }

  @inline(never)
  private mutating func giveUp(_ evaluation: inout Evaluation) throws(StoreError) {
    abandonment = Abandonment(isOfReply: true, expired: evaluation.expiredKeysSeen)
    throw .abandoned
  }
}
