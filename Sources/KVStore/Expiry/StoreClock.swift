import Base

/// The machine's clock, and the store's own.
///
/// An entry's expiry is a moment of the store's clock (`Store.now`), which never goes back: an entry that has
/// expired stays expired. The machine's clock can be behind it, because it was set back or was ahead before.
/// A moment read from the machine's clock is then later on the store's clock, by `clockLead`.
extension Store {
  /// How many milliseconds the store's clock is ahead of the machine's; 0 unless that was set back by more than 10.
  ///
  /// It stays the same until the machine's clock is set, also while the store is closed if `putClock` stored
  /// it. If the machine's clock was set or the machine restarted in that time, the store's clock stood still,
  /// and the lead may be less.
  public var clockLead: UInt64 { partitionSet.clock.lead }

  /// The moment of the store's clock when the machine's shows `milliseconds` since 1970; `UInt64.max` if it
  /// is greater than that.
  public func storeTime(ofMachine milliseconds: UInt64) -> UInt64 {
    let (sum, isTooLate) = milliseconds.addingReportingOverflow(clockLead)
    return isTooLate ? .max : sum
  }

  /// What the machine's clock shows at a moment of the store's clock; 0 if that is before 1970.
  public func machineTime(ofStore milliseconds: UInt64) -> UInt64 {
    milliseconds - min(milliseconds, clockLead)
  }

  /// Whether the clock's record can be written: its partition accepts writes.
  package var canKeepClock: Bool {
    let key = ClockRecord.key
    return !isReadOnly(partitionOf: key.rawSpan, in: .clock)
  }
}

extension Evaluation {
  /// Sets the store's clock to the machine's, and its record with it.
  ///
  /// Only for a store without other users, from which everything expired was removed: it would reappear.
  package mutating func resetClock() throws(StoreError) {
    partitionSet.clock.reset()
    reader.expiry.begin()
    try putClock()
  }
}
