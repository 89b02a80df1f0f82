import Base

/// Counts the keys that have a value, at one cut, internal ones left out. What has expired counts until it is
/// removed.
///
/// LMDB knows how many entries it holds, so as a rule only the keys in memory are looked at: each one
/// adds to that number, takes from it, or neither. Where that would be more work than a walk over
/// everything, or a range delete hides what LMDB still counts, everything is walked.
struct EntryCount {
  let views: [PartitionView]
  let sequence: SequenceNumber
  var pace: WalkPace?

  /// Whether a range delete hides entries that LMDB counts.
  var isHiding: Bool {
    views.contains { $0.layers?.tombstones.isVisible ?? false }
  }

  func count() throws(StoreError) -> Int {
    let (stored, inMemory) = try sizes()
    if isHiding || inMemory * 2 > stored { return try walk() }
    return try stored + difference()
  }

  /// The entries of the files, and the keys in memory.
  func sizes() throws(StoreError) -> (stored: Int, inMemory: Int) {
    var stored = 0
    var inMemory = 0
    for view in views {
      let below = try view.lmdb()
      stored += try below.entryCount() - below.internalEntryCount()
      guard let layers = view.layers else { continue }
      for layer in [layers.active] + layers.sealed { inMemory += layer.memtable.keyCount }
    }
    return (stored, inMemory)
  }

  private func walk() throws(StoreError) -> Int {
    var count = 0
    // One damaged value must not make the count fail: it is left out.
    let scan = VisibleScan(
      views: views, sequence: sequence, expiry: nil, pace: pace, skipsDamaged: true)
    try scan.run(.everything, reverse: false, limit: .max) { _, _, _ in
      count += 1
      return true
    }
    return count
  }

  /// What the keys in memory make the count differ from LMDB's.
  private func difference() throws(StoreError) -> Int {
    var difference = 0
    for (place, view) in views.enumerated() {
      let lanes = view.memtableLanes(place: place, at: sequence)
      for lane in lanes { try lane.seek(RawSpan()) }
      var merged = try MergedLanes(lanes, backward: false)
      let below = try view.lmdb()
      while merged.place != nil {
        try pace?.advance(by: 4)
        let change = try merged.withEntry { key, header, _ throws(StoreError) -> Int? in
          if InternalKey.contains(key) { return nil }
          let wasThere = try below.withValue(of: key) { $0 != nil }
          return (header.kind == .put ? 1 : 0) - (wasThere ? 1 : 0)
        }
        if let change {
          difference += change
          try merged.next()
        } else if let behind = InternalKey.range.upper {
          for lane in lanes { try lane.seek(behind.rawSpan) }
          merged = try MergedLanes(lanes, backward: false)
        }
      }
    }
    return difference
  }
}
