import KVStore

/// Why an evaluation was given up (`StoreError.abandoned`), for the client that is told so.
struct Abandonment {
  /// Told instead of all replies.
  var error: [UInt8] = []
  /// It was counted where it came about.
  var isCounted = false
  /// The reply did not fit; what is told is then up to `Call.refuseReply`.
  var isOfReply = false
  /// The keys that the evaluation has found to be expired.
  var expired: [[UInt8]] = []

  /// It was a part of EXEC.
  mutating func discardsTransaction() {
    if isOfReply { return }
    error = [UInt8](Transactions.discardedBecause.utf8) + error
    isCounted = false
  }
}

extension Call {
  /// Whether `error` ends the evaluation because its time is up. What the client is told is noted then.
  @inline(never)
  mutating func abandons(
    _ what: String, _ error: StoreError, _ evaluation: inout Evaluation
  ) -> Bool {
    guard case .walkStopped = error else { return false }
    abandonment = Abandonment(error: time.refusal(of: what), expired: evaluation.expiredMet)
    return true
  }

  /// Tells of an abandoned evaluation, in place of the replies behind `start`. What the error tells of may not
  /// be durable yet, so it waits for a batch, which removes the expired keys that were met; where there is
  /// no room for that, for what was ordered by now.
  @inline(never)
  mutating func tellAbandonment(from start: Int) -> Receipt {
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
