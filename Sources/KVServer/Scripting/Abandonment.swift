import KVStore

/// Why an evaluation was abandoned (`StoreError.abandoned`), to be reported to the client.
struct Abandonment {
  /// The error sent in place of all replies.
  var error: [UInt8] = []
  /// The error was counted where it arose.
  var isCounted = false
  /// The reply did not fit. The error is then up to `Call.refuseReply`.
  var isOfReply = false
  /// The expired keys that the evaluation met.
  var expired: [[UInt8]] = []

  /// The evaluation was an EXEC: changes the error accordingly.
  mutating func discardsTransaction() {
    if isOfReply { return }
    error = [UInt8](Transactions.discardedBecause.utf8) + error
    isCounted = false
  }
}

extension Call {
  /// Whether `error` means that the evaluation's time was up. If so, the error for the client is recorded.
  @inline(never)
  mutating func abandons(
    _ what: String, _ error: StoreError, _ evaluation: inout Evaluation
  ) -> Bool {
    guard case .walkStopped = error else { return false }
    abandonment = Abandonment(error: time.refusal(of: what), expired: evaluation.expiredKeysSeen)
    return true
  }

  /// Reports an abandoned evaluation in place of the replies after `start`. The error may reveal data that is
  /// not durable yet. So it waits for the returned receipt: that of a batch that removes the expired keys met,
  /// or, if there is no room for one, of the newest batch so far.
  @inline(never)
  mutating func replyAbandoned(from start: Int) -> Receipt {
    let abandonment = abandonment
    self.abandonment = Abandonment()
    if abandonment.isOfReply {
      refuseReply(from: start)
    } else {
      reply.takeBack(to: start)
      abandonment.error.withRawBytes { reply.error($0, isCounted: abandonment.isCounted) }
    }
    do throws(StoreError) {
      return try store.evaluate(onlyDeletes: true) { (evaluation) throws(StoreError) in
        try self.remove(abandonment.expired, &evaluation)
      }.receipt
    } catch {
      return store.newestReceipt
    }
  }
}
