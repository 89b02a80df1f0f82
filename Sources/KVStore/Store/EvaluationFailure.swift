/// Changes of several writes that are valid only as a whole, such as an owner and what it owns.
extension Evaluation {
  /// Runs `body`, which makes such a change. If it throws after it has written something, the evaluation has
  /// failed. If it has written nothing by then, nothing has changed, and the evaluation's closure may
  /// continue.
  @inline(__always)
  package mutating func atomically<R>(
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

  /// Called when a change has stopped half-way. Nothing of the batch is committed, whatever the evaluation's
  /// closure does with `error`: `Store.evaluate` throws it. If there are several errors, the first one
  /// counts.
  @inline(never)
  package mutating func fail(_ error: StoreError) {
    if hasFailed { return }
    hasFailed = true
    context.failure = error
  }

  /// The first error that `fail` was called with. Call it only if `hasFailed`.
  @inline(never)
  func takeFailure() -> StoreError {
    guard let failure = context.failure else { preconditionFailure("there is no failure") }
    context.failure = nil
    return failure
  }
}
