/// A scan of what a reader sees of a range: internal keys and expired entries are left out.
struct VisibleScan {
  let views: [PartitionView]
  let sequence: SequenceNumber
  /// Decides what has expired; nil shows expired entries too.
  let expiry: ExpiryFilter?
  var pace: ScanBudget?
  /// Whether a range among internal keys shows them.
  var showsInternal = false
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
    var left = limit
    let parts = showsInternal ? range.storedParts : range.userParts
    for part in reverse ? parts.reversed() : parts where left > 0 {
      try pace?.advance(by: 1)
      let scan = try RangeScan(views, range: part, reverse: reverse, at: sequence)
      try scan.run(limit: .max, pace: pace, skipsDamaged: skipsDamaged) {
        key, header, value throws(StoreError) in
        if header.expiry != 0, let expiry, expiry.hides(header.expiry, of: key) { return true }
        left -= 1
        if try !body(key, EntryInfo(header), value) { left = 0 }
        return left > 0
      }
    }
  }
}
