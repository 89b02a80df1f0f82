import KVStore

/// Where a reading command reads: published state outside a transaction, the evaluation inside one. A command
/// is written once against this protocol and specialized for both.
protocol View: ~Copyable {
  mutating func withValue<R>(
    of key: RawSpan, _ body: (RawSpan?) throws(StoreError) -> R
  ) throws(StoreError) -> R

  /// Lends the entry of a key of any type; nil and no bytes if it is absent.
  mutating func withEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R

  /// Lends many values from one consistent cut. `body` gets the index of each key, in order.
  mutating func withValues(
    of keys: [Range<Int>], in bytes: RawSpan,
    _ body: (Int, RawSpan?) throws(StoreError) -> Void
  ) throws(StoreError)

  /// The same for entries of any type. If a value is damaged, `body` gets the error instead.
  mutating func withEntries(
    of keys: [Range<Int>], in bytes: RawSpan,
    _ body: (Int, EntryInfo?, RawSpan, StoreError?) throws(StoreError) -> Void
  ) throws(StoreError)

  /// The sequence number of the key's newest write; 0 if it is absent.
  mutating func sequence(of key: RawSpan) throws(StoreError) -> SequenceNumber

  /// Lends entries in key order, from one consistent cut, until `limit` is reached or `body` returns false.
  /// With `skipsDamaged`, damaged values are skipped and counted instead of throwing an error.
  mutating func scan(
    _ range: KeyRange, reverse: Bool, limit: Int, skipsDamaged: Bool,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError)

  /// The same, with the metadata of each entry.
  mutating func scanEntries(
    _ range: KeyRange, reverse: Bool, limit: Int, skipsDamaged: Bool,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError)

  /// The number of keys that have a value.
  mutating func countEntries() throws(StoreError) -> Int
}

/// Published state, and later writes up to `through`, so that this connection sees its own.
struct ReadView: View, ~Copyable {
  let reader: Reader
  let through: SequenceNumber

  @inline(__always)
  mutating func withValue<R>(
    of key: RawSpan, _ body: (RawSpan?) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try reader.withValue(of: key, through: through, body)
  }

  @inline(__always)
  mutating func withEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try reader.withEntry(of: key, through: through, body)
  }

  mutating func withValues(
    of keys: [Range<Int>], in bytes: RawSpan,
    _ body: (Int, RawSpan?) throws(StoreError) -> Void
  ) throws(StoreError) {
    try reader.withValues(of: keys, in: bytes, through: through, body)
  }

  mutating func withEntries(
    of keys: [Range<Int>], in bytes: RawSpan,
    _ body: (Int, EntryInfo?, RawSpan, StoreError?) throws(StoreError) -> Void
  ) throws(StoreError) {
    try reader.withEntries(
      of: keys, in: bytes, through: through,
      damaged: { index, error throws(StoreError) in try body(index, nil, RawSpan(), error) },
      { index, info, value throws(StoreError) in try body(index, info, value, nil) })
  }

  mutating func sequence(of key: RawSpan) throws(StoreError) -> SequenceNumber {
    try reader.sequence(of: key, through: through)
  }

  mutating func scan(
    _ range: KeyRange, reverse: Bool, limit: Int, skipsDamaged: Bool,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try reader.scan(
      range, reverse: reverse, limit: limit, through: through, skipsDamaged: skipsDamaged, body)
  }

  mutating func scanEntries(
    _ range: KeyRange, reverse: Bool, limit: Int, skipsDamaged: Bool,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    try reader.scanEntries(
      range, reverse: reverse, limit: limit, through: through, skipsDamaged: skipsDamaged, body)
  }

  mutating func countEntries() throws(StoreError) -> Int {
    try reader.countEntries(through: through)
  }
}

extension Evaluation: View {
  mutating func withValues(
    of keys: [Range<Int>], in bytes: RawSpan,
    _ body: (Int, RawSpan?) throws(StoreError) -> Void
  ) throws(StoreError) {
    let pace = pace
    for (index, key) in keys.enumerated() {
      try withValue(of: bytes.extracting(key)) { (value) throws(StoreError) in
        try pace.advance(by: ScanBudget.steps(forByteCount: value?.byteCount ?? 0))
        try body(index, value)
      }
    }
  }

  mutating func withEntries(
    of keys: [Range<Int>], in bytes: RawSpan,
    _ body: (Int, EntryInfo?, RawSpan, StoreError?) throws(StoreError) -> Void
  ) throws(StoreError) {
    let pace = pace
    for (index, key) in keys.enumerated() {
      do throws(StoreError) {
        try withEntry(of: bytes.extracting(key)) { (info, value) throws(StoreError) in
          try pace.advance(by: ScanBudget.steps(forByteCount: value.byteCount))
          try body(index, info, value, nil)
        }
      } catch {
        guard error.isDamagedValue else { throw error }
        try body(index, nil, RawSpan(), error)
      }
    }
  }
}
