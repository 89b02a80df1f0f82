import KVStore

/// What setting a store's clock to the machine's has done.
public struct ClockReset: Sendable {
  /// By how many milliseconds it was ahead.
  public let lead: UInt64
  /// How many entries had expired by it, and were removed before.
  public let removedCount: UInt64
  /// How many had expired and are still there, because they, or fields of theirs, are damaged.
  public let damagedCount: UInt64
}

extension Store {
  /// Sets the clock that entries expire by to the machine's, which is behind it: see `clockLead`. Durable on return.
  ///
  /// Everything that has expired by the old clock is removed first and stays gone. What has not lives longer by the
  /// lead if it got its expiry while the clock was ahead, and as long as it was given if it got it before. To be
  /// called while nobody else uses the store. O(n) for n entries that have expired.
  ///
  /// Throws as `commit` does. Where a partition takes no more writes that is `.readOnly`, and the clock stays as it is:
  /// what has expired there cannot be removed, and would be back. All others have lost what had expired by then.
  public func resetClock() throws(StoreError) -> ClockReset {
    attachMaps()
    let reader = makeReader()
    defer { reader.close() }
    let lead = clockLead
    var pass = ExpiryPass(self, reader, repeatingAfter: nil)
    while try pass.removeChunk() {}
    if let readOnlyRefusal { throw readOnlyRefusal }
    let receipt = try admitAndEvaluate(byteCount: 64) { evaluation throws(StoreError) in
      try evaluation.resetClock()
    }.receipt
    try waitUntilDurable(receipt)
    return ClockReset(
      lead: lead, removedCount: pass.removedCount, damagedCount: pass.damagedCount)
  }
}
