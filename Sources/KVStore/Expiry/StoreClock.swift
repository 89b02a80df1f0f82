import Base

/// What the machine's clock shows, and what the store's own does.
///
/// An entry's expiry is a moment of the store's clock (`Store.now`), which never goes back: what was seen to have
/// expired stays so. While the machine's clock is behind it, because it was set back or was ahead before, a moment
/// that somebody reads off the machine's clock is later by the store's, by `clockLead`.
extension Store {
  /// By how many milliseconds the store's clock is ahead of the machine's; 0 unless that was set back by more than 10.
  ///
  /// It stays the same until somebody sets the machine's clock, also while the store is closed if `putClock` has
  /// kept it. Where that clock was set meanwhile, or the machine started again, the store's stood still, and the lead
  /// may be less.
  public var clockLead: UInt64 { keyspace.clock.lead }

  /// The moment of the store's clock when the machine's shows `milliseconds` since 1970; the greatest number there is
  /// where that is too late.
  public func storeTime(ofMachine milliseconds: UInt64) -> UInt64 {
    let (sum, isTooLate) = milliseconds.addingReportingOverflow(clockLead)
    return isTooLate ? .max : sum
  }

  /// What the machine's clock shows at a moment of the store's; 0 where that is before 1970.
  public func machineTime(ofStore milliseconds: UInt64) -> UInt64 {
    milliseconds - min(milliseconds, clockLead)
  }

  /// Whether the clock's record can be written: its partition takes writes.
  package var canKeepClock: Bool {
    let key = ClockRecord.key
    return !isReadOnly(partitionOf: key.rawSpan)
  }
}

extension Evaluation {
  /// Sets the store's clock to the machine's, and its record with it.
  ///
  /// Only for a store that nobody else uses, and from which all was removed that has expired: it would be back.
  package mutating func resetClock() throws(StoreError) {
    keyspace.clock.reset()
    reader.expiry.begin()
    try putClock()
  }
}
