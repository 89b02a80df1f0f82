import TxnWAL

extension Evaluation {
  /// Lends the entries of `range` in the order of keys, with this evaluation's own writes among them.
  ///
  /// Returns after `limit` entries, at the end of the range, or when `body` returns false. All writers
  /// wait meanwhile, for the disk too where the entries are not in memory: keep the range small.
  ///
  /// - Complexity: O(log n + w log w) to begin, for w own writes; O(partitions) an entry.
  public mutating func scan(
    _ range: KeyRange, reverse: Bool = false, limit: Int = .max,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    guard limit > 0, !range.isEmpty else { return }
    var written = own.entries(in: range, sequencer)[...]
    let own = own
    let sequencer = sequencer
    var left = limit
    func lend(_ key: [UInt8], _ value: Range<Int>?) throws(StoreError) -> Bool {
      guard let value else { return true }
      left -= 1
      return try sequencer.withPayload(in: value) { value throws(StoreError) in
        try body(key.rawSpan, value)
      } && left > 0
    }
    var isDone = false
    try reader.scan(range, reverse: reverse, through: .max) { key, value throws(StoreError) in
      while let next = reverse ? written.last : written.first {
        let order = next.key.rawSpan.compare(to: key)
        if reverse ? order < 0 : order > 0 { break }
        _ = reverse ? written.popLast() : written.popFirst()
        isDone = try !lend(next.key, next.value)
        // What was written of a key takes the place of what is stored.
        if isDone || order == 0 { return !isDone }
      }
      if own.isDeletedByRange(key) { return true }
      left -= 1
      isDone = try !body(key, value) || left == 0
      return !isDone
    }
    while !isDone, let next = reverse ? written.popLast() : written.popFirst() {
      isDone = try !lend(next.key, next.value)
    }
  }

  /// The number of keys that have a value, this evaluation's own writes counted. O(keys in memory) as a
  /// rule; O(keys) where it deleted a range, or while a range delete is being carried out.
  public mutating func countEntries() throws(StoreError) -> Int {
    var count = 0
    guard !own.hasRanges else {
      try scan(.everything) { _, _ in
        count += 1
        return true
      }
      return count
    }
    count = try reader.countEntries(through: .max)
    for entry in own.entries(in: .everything, sequencer) {
      let wasThere = try reader.sequence(of: entry.key.rawSpan, through: .max) != 0
      count += (entry.value == nil ? 0 : 1) - (wasThere ? 1 : 0)
    }
    return count
  }
}
