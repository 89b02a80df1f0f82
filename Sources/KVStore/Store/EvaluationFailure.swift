/// Changes of several writes that mean something only together, as a map's record and its fields.
extension Evaluation {
  /// Runs `body`, which makes such a change. Where it throws after it has written something, the evaluation has failed.
  /// Where it has written nothing by then, all is as it was before, and the closure of the evaluation may go on.
  @inline(__always)
  package mutating func asOneChange<R>(
    _ body: (inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    let before = (sequencer.payloadByteCount, tombstoneCount)
    do throws(StoreError) {
      return try body(&self)
    } catch {
      if (sequencer.payloadByteCount, tombstoneCount) != before { fail(error) }
      throw error
    }
  }

  /// To be called where a change has ended half-way: nothing of the batch is carried out, whatever the closure of the
  /// evaluation makes of `error`. `Store.evaluate` throws it; the first one counts.
  @inline(never)
  package mutating func fail(_ error: StoreError) {
    if hasFailed { return }
    hasFailed = true
    context.failure = error
  }

  /// What `fail` was told first, to be called where `hasFailed` says that it was.
  @inline(never)
  func takeFailure() -> StoreError {
    guard let failure = context.failure else { preconditionFailure("a failure without an error") }
    context.failure = nil
    return failure
  }
}
