import Base
import KVStore

/// A source of records and fields: a cut of what is published, or an evaluation including its own writes.
package protocol EntryView: ~Copyable {
  /// Makes `key`, one of `keyspace`, readable. If it returns false, everything read before must be read again, because the cut is of a
  /// later moment.
  mutating func cover(_ key: RawSpan, in keyspace: Keyspace) throws(StoreError) -> Bool

  /// Lends the entry of `key` whatever its type; nil if there is none.
  mutating func withEntry<R>(
    of key: RawSpan, _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R

  /// Same, for a key of `keyspace`.
  mutating func withEntry<R>(
    of key: RawSpan, in keyspace: Keyspace,
    _ body: (EntryInfo?, RawSpan) throws(StoreError) -> R
  ) throws(StoreError) -> R

  /// Lends the entries of `range` in `keyspace` that are in the partition of `key`, in key order.
  mutating func scanEntries(
    _ range: KeyRange, in keyspace: Keyspace, ofPartitionOf key: RawSpan, reverse: Bool,
    limit: Int, skipsDamaged: Bool,
    _ body: (_ key: RawSpan, _ info: EntryInfo, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError)

  /// Charges `stepCount` steps of work outside walks, as `ScanBudget` does.
  mutating func advance(by stepCount: Int) throws(StoreError)
}

extension ReadCut: EntryView {
  package mutating func cover(_ key: RawSpan, in keyspace: Keyspace) throws(StoreError) -> Bool {
    if covers(key, in: keyspace) { return true }
    try extend(to: key, in: keyspace)
    return false
  }
}

extension Evaluation: EntryView {
  package mutating func cover(_ key: RawSpan, in keyspace: Keyspace) -> Bool { true }

  package mutating func advance(by stepCount: Int) throws(StoreError) {
    try pace.advance(by: stepCount)
  }
}

/// A map's record as it was read. Its fields are read through the same view.
package struct FoundMap {
  let record: MapRecord
  private var key: FieldKey

  init(_ record: MapRecord) {
    self.record = record
    key = FieldKey(of: record.id)
  }

  /// The map's id, independent of the key under which it was found.
  package var id: MapID { record.id }

  /// The number of fields. O(1).
  package var count: Int { record.count }

  /// A key in the partition that holds the fields.
  var place: RawSpan {
    @_lifetime(borrow self)
    get { key.bytes.rawSpan }
  }

  /// Lends the value of `field`, nil if there is none. Expected O(1) in memory, O(log n) on disk.
  @inline(__always)
  package mutating func withValue<V: EntryView & ~Copyable, R>(
    of field: RawSpan, in view: inout V, _ body: (RawSpan?) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    guard field.byteCount <= MapLimits.fieldByteCount else { return try body(nil) }
    key.set(field)
    return try view.withEntry(of: key.bytes.rawSpan, in: .owned) { info, value throws(StoreError) in
      try info == nil ? body(nil) : body(value)
    }
  }

  /// Whether the map has `field`.
  package mutating func contains<V: EntryView & ~Copyable>(
    _ field: RawSpan, in view: inout V
  ) throws(StoreError) -> Bool {
    try withValue(of: field, in: &view) { if $0 == nil { false } else { true } }
  }

  /// Lends the fields in `range` in byte order, until `limit` is reached or `body` returns false.
  ///
  /// - Parameter skipsDamaged: whether fields with a wrong checksum are skipped and counted instead of
  ///   causing an error.
  package func walk<V: EntryView & ~Copyable>(
    _ range: KeyRange = .everything, reverse: Bool = false, limit: Int = .max,
    skipsDamaged: Bool = false, in view: inout V,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    guard limit > 0, !range.isEmpty else { return }
    try view.scanEntries(
      record.id.keys(of: range), in: .owned, ofPartitionOf: key.bytes.rawSpan,
      reverse: reverse, limit: limit, skipsDamaged: skipsDamaged
    ) { key, _, value throws(StoreError) in try body(FieldKey.field(of: key), value) }
  }
}

extension EntryView where Self: ~Copyable {
  /// The map at `key`, or nil if there is nothing. Throws `.wrongType` for anything else. What was read through
  /// this view before may be of an earlier moment.
  package mutating func map(
    at key: RawSpan, type: RecordType = .map
  ) throws(StoreError) -> FoundMap? {
    while true {
      _ = try cover(key, in: .keys)
      guard let found = try record(at: key, type: type) else { return nil }
      let map = FoundMap(found.record)
      // A renamed map may have its fields in another partition than its record.
      if try cover(map.place, in: .owned) { return map }
    }
  }

  /// The maps at several keys, nil where there is nothing, all as of one moment. Throws `.wrongType` if any key
  /// holds something else.
  package mutating func maps(
    at keys: some Collection<Range<Int>>, in bytes: RawSpan, type: RecordType = .map
  ) throws(StoreError) -> [FoundMap?] {
    while true {
      for key in keys { _ = try cover(bytes.extracting(key), in: .keys) }
      var found: [FoundMap?] = []
      found.reserveCapacity(keys.count)
      var isOneMoment = true
      for key in keys {
        let map = try record(at: bytes.extracting(key), type: type).map { FoundMap($0.record) }
        if let map, try !cover(map.place, in: .owned) { isOneMoment = false }
        found.append(map)
      }
      if isOneMoment { return found }
    }
  }

  mutating func record(
    at key: RawSpan, type: RecordType
  ) throws(StoreError) -> (record: MapRecord, expiry: UInt64)? {
    try withEntry(of: key) { info, value throws(StoreError) in
      guard let info else { return nil }
      guard info.recordType == type, let record = MapRecord(value) else { throw .wrongType }
      return (record, info.expiry)
    }
  }
}

extension Reader {
  /// Lends the map at `key`, nil if there is nothing, with the cut in which it was found. Throws `.wrongType` for
  /// anything else.
  package func withMap<R>(
    at key: RawSpan, type: RecordType = .map, through: SequenceNumber = 0,
    _ body: (FoundMap?, inout ReadCut) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try withCut(of: key, through: through) { cut throws(StoreError) in
      let map = try cut.map(at: key, type: type)
      return try body(map, &cut)
    }
  }

  /// Brings into memory what a change of some fields of the map at `key` will look up, until more than `limit`
  /// bytes of values were read. Returns how many bytes were read.
  package func touch(
    fields: some Sequence<Range<Int>>, in bytes: RawSpan, ofMapAt key: RawSpan, limit: Int = .max
  ) throws(StoreError) -> Int {
    var (id, readByteCount) = try withEntry(of: key) { info, value in
      (MapRecord(of: info, value)?.id, value.byteCount)
    }
    guard let id else { return readByteCount }
    var fieldKey = FieldKey(of: id)
    for field in fields where field.count <= MapLimits.fieldByteCount {
      guard readByteCount <= limit else { break }
      fieldKey.set(bytes.extracting(field))
      readByteCount += try touch(fieldKey.bytes.rawSpan, in: .owned)
    }
    return readByteCount
  }
}
