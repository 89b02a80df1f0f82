/// A scan of what a reader sees of a range in one keyspace: expired entries are left out.
struct VisibleScan {
  let views: [PartitionView]
  let keyspace: Keyspace
  let sequence: SequenceNumber
  /// Decides what has expired; nil shows expired entries too.
  let expiry: ExpiryFilter?
  var pace: ScanBudget?
  /// Whether values that do not check out are skipped and counted.
  var skipsDamaged = false

  /// Lends the entries of `range` until `limit` or until `body` returns false.
  func run(
    _ range: KeyRange, reverse: Bool, limit: Int,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    guard limit > 0 else { return }
    let isHeld = expiry?.hold() ?? false
    defer { expiry?.release(isHeld) }
    try pace?.advance(by: 1)
    let keyspace = keyspace
    let scan = try RangeScan(views, range, in: keyspace, reverse: reverse, at: sequence)
    try scan.run(limit: limit, pace: pace, skipsDamaged: skipsDamaged) {
      key, header, value throws(StoreError) in
      if header.expiry != 0, let expiry,
        expiry.hides(header.expiry, of: EntryAddress(keyspace, key))
      {
        return .pass
      }
      return try body(key, EntryInfo(header), value) ? .count : .stop
    }
  }
}
