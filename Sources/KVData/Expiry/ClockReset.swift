import KVStore

/// The result of setting a store's clock to the machine's.
public struct ClockReset: Sendable {
  /// How far the store's clock was ahead, in milliseconds.
  public let lead: UInt64
  /// The number of entries that had expired by the old clock and were removed first.
  public let removedCount: UInt64
  /// The number of expired entries that remain, because they or their fields are damaged.
  public let damagedCount: UInt64
}

extension Store {
  /// Sets the clock that determines expiry to the machine's clock, which is behind it; see `clockLead`. Durable on
  /// return.
  ///
  /// Everything expired by the old clock is removed first, so it stays gone. Of the other entries, one whose expiry
  /// was set while the clock was ahead lives longer by the lead; one whose expiry was set before lives as long as
  /// intended. Call only while nothing else uses the store. O(n) for n expired entries.
  ///
  /// Throws what `commit` throws. If a partition is read-only, throws `.readOnly` and leaves the clock unchanged:
  /// expired entries there cannot be removed and would reappear. Those of all other partitions have been removed by
  /// then.
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
