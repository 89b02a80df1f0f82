import Base

/// Counts users' keys that have a value, as of one cut. Expired keys count until they are removed.
///
/// LMDB knows how many entries it holds, so usually only the keys in memory are examined: each one adds to
/// that number, subtracts from it, or does neither. If that would be more work than a scan of everything, or
/// if a range delete hides entries that LMDB still counts, everything is scanned.
struct EntryCount {
  let views: [PartitionView]
  let sequence: SequenceNumber
  var pace: ScanBudget?

  /// Whether a range delete may hide entries that LMDB counts.
  var isHiding: Bool {
    views.contains { $0.layers?.tombstones.isVisible ?? false }
  }

  func count() throws(StoreError) -> Int {
    let (stored, inMemory) = try sizes()
    if isHiding || inMemory * 2 > stored { return try walk() }
    return try stored + difference()
  }

  /// Users' entries in the files, and the keys in memory, once for each memtable that has them.
  func sizes() throws(StoreError) -> (stored: Int, inMemory: Int) {
    var stored = 0
    var inMemory = 0
    for view in views {
      let below = try view.lmdb()
      stored += try below.entryCount() - below.otherEntryCount()
      guard let layers = view.layers else { continue }
      for layer in [layers.active] + layers.sealed { inMemory += layer.memtable.keyCount }
    }
    return (stored, inMemory)
  }

  private func walk() throws(StoreError) -> Int {
    var count = 0
    // One damaged value must not fail the count: it is skipped.
    let scan = VisibleScan(
      views: views, keyspace: .keys, sequence: sequence, expiry: nil, pace: pace,
      skipsDamaged: true)
    try scan.run(.everything, reverse: false, limit: .max) { _, _, _ in
      count += 1
      return true
    }
    return count
  }

  /// By how much users' keys in memory make the count differ from LMDB's.
  private func difference() throws(StoreError) -> Int {
    var difference = 0
    let range = KeyRange.everything.storedKeys(in: .keys)
    for (place, view) in views.enumerated() {
      let lanes = view.memtableLanes(place: place, at: sequence, in: range, .keys)
      for lane in lanes { try lane.seek(range.lower) }
      var merged = try MergedLanes(lanes, backward: false)
      let below = try view.lmdb()
      while merged.place != nil {
        try pace?.advance(by: 4)
        difference += try merged.withEntry { key, header, _ throws(StoreError) in
          let wasThere = try below.withValue(of: EntryAddress(.keys, key)) { $0 != nil }
          return (header.kind == .put ? 1 : 0) - (wasThere ? 1 : 0)
        }
        try merged.next()
      }
    }
    return difference
  }
}
