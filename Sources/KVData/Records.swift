import Base
import KVStore

/// Where keys are written, whatever they hold: each overwrite and each removal of a key passes here.
///
///     replace   whatever the key held goes, with all that belongs to it; the key becomes a string
///     rewrite   a string that this evaluation has read becomes another; nothing belongs to a string
///     remove    whatever the key held goes, with all that belongs to it
///
/// An expiry is in milliseconds since 1970; 0 is never. Who has read the entry that goes tells its expiry
/// too, so that its place in the index of expiries is given up; else it stays there until its time. While a
/// store has never had a map, `replace` reads nothing.
package enum Records {
  @inline(__always)
  package static func replace(
    _ key: RawSpan, with value: RawSpan, expiry: UInt64 = 0, replacing oldExpiry: UInt64 = 0,
    in evaluation: inout Evaluation
  ) throws(StoreError) {
    guard evaluation.mayContainMaps else {
      return try rewrite(
        key, with: value, expiry: expiry, replacing: oldExpiry, in: &evaluation)
    }
    // Before the fields go, since a script may go on after an error.
    try Limits.check(key: key)
    try Limits.check(value: value)
    try evaluation.asOneChange { evaluation throws(StoreError) in
      try releaseFields(of: key, in: &evaluation)
      try rewrite(key, with: value, expiry: expiry, replacing: oldExpiry, in: &evaluation)
    }
  }

  @inline(__always)
  package static func rewrite(
    _ key: RawSpan, with value: RawSpan, expiry: UInt64, replacing oldExpiry: UInt64,
    in evaluation: inout Evaluation
  ) throws(StoreError) {
    if expiry | oldExpiry == 0 { return try evaluation.put(stored: key, value) }
    try evaluation.put(
      stored: key, value, type: RecordType.string.rawValue, expiry: expiry, replacing: oldExpiry)
  }

  /// The same with the expiry that the string had.
  @inline(__always)
  package static func rewrite(
    _ key: RawSpan, with value: RawSpan, keeping expiry: UInt64, in evaluation: inout Evaluation
  ) throws(StoreError) {
    try rewrite(key, with: value, expiry: expiry, replacing: expiry, in: &evaluation)
  }

  /// Returns whether the key was there; where nothing is stored nothing is written.
  @discardableResult
  package static func remove(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    var record: MapRecord?
    let old = try evaluation.withStoredEntry(of: key) { info, value in
      record = MapRecord(of: info, value)
      return info
    }
    guard let old else { return false }
    try evaluation.asOneChange { evaluation throws(StoreError) in
      if let record { try MapFields.deleteAll(of: record, in: &evaluation) }
      try evaluation.delete(stored: key, replacing: old.expiry)
    }
    return old.expiry == 0 || old.expiry > evaluation.now
  }

  /// Removes the key, if it is there, without reading it: as long as the store has never had a map.
  package static func removeUnread(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {
    try evaluation.asOneChange { evaluation throws(StoreError) in
      try release(key, in: &evaluation)
      try evaluation.delete(stored: key)
    }
  }

  /// Frees what belongs to the entry at `key` and is stored elsewhere, before the entry goes; an entry that has
  /// expired is one of those.
  @inline(__always)
  package static func release(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {
    if evaluation.mayContainMaps { try releaseFields(of: key, in: &evaluation) }
  }

  @inline(never)
  private static func releaseFields(
    of key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {
    let (record, byteCount) = try evaluation.withStoredEntry(of: key) { info, value in
      (MapRecord(of: info, value), value.byteCount)
    }
    try evaluation.pace.advance(by: WalkPace.steps(forByteCount: byteCount))
    if let record { try MapFields.deleteAll(of: record, in: &evaluation) }
  }

  /// Brings into memory what removing or replacing `key` will look at, and returns about how many bytes more
  /// than its key that adds to a batch: the fields of a small map are deleted one by one.
  package static func touch(
    _ key: RawSpan, with reader: Reader
  ) throws(StoreError) -> Int {
    try touch(key, with: reader, limit: .max).batchByteCount
  }

  /// The same until values of more than `limit` bytes were read; and how many bytes those had: whoever removes the key
  /// reads, and verifies, them again.
  package static func touch(
    _ key: RawSpan, with reader: Reader, limit: Int
  ) throws(StoreError) -> (batchByteCount: Int, readByteCount: Int) {
    var (record, readByteCount) = try reader.withStoredEntry(of: key) { info, value in
      (MapRecord(of: info, value), value.byteCount)
    }
    guard let record else { return (0, readByteCount) }
    let map = FoundMap(record)
    var byteCount = tombstoneByteCount
    guard map.count <= MapLimits.fieldsDeletedOneByOne else { return (byteCount, readByteCount) }
    // It may have been deleted meanwhile: then nothing is found, and nothing will be deleted.
    try reader.withCut(of: map.place) { cut throws(StoreError) in
      try map.walk(in: &cut) { field, value in
        byteCount += field.byteCount + FieldKey.prefixByteCount + mutationByteCount
        readByteCount += value.byteCount
        return readByteCount <= limit
      }
    }
    return (byteCount, readByteCount)
  }

  /// Of a range tombstone over the fields of a map.
  private static let tombstoneByteCount = 64
  /// What stands in the log beside the key of a delete.
  private static let mutationByteCount = 3

  /// Lends the string at `key`, nil where there is none, and its expiry. Throws `.wrongType`.
  @inline(__always)
  package static func withString<R>(
    at key: RawSpan, in evaluation: inout Evaluation,
    _ body: (RawSpan?, _ expiry: UInt64) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    var result: R?
    try lendString(at: key, in: &evaluation) { value, expiry throws(StoreError) in
      result = try body(value, expiry)
    }
    guard let result else { preconditionFailure("a look-up that lent nothing") }
    return result
  }

  /// The same for whatever is made of it.
  package static func lendString(
    at key: RawSpan, in evaluation: inout Evaluation,
    _ body: (RawSpan?, _ expiry: UInt64) throws(StoreError) -> Void
  ) throws(StoreError) {
    try evaluation.lendEntry(of: key) { (info, value) throws(StoreError) in
      guard let info else { return try body(nil, 0) }
      guard info.type == RecordType.string.rawValue else { throw .wrongType }
      try body(value, info.expiry)
    }
  }

  /// Gives what `key` holds the name `target`, whose own entry goes. False if there is nothing at `key`.
  ///
  /// Only the record of a map is moved, so that it costs the same whatever its size; a string is written again.
  package static func rename(
    _ key: RawSpan, to target: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    // Before anything is written, since a script may go on after an error.
    try Limits.check(key: target)
    guard let entry = try copyOfEntry(key, in: &evaluation) else { return false }
    if key.compare(to: target) == 0 { return true }
    try evaluation.asOneChange { evaluation throws(StoreError) in
      try remove(target, in: &evaluation)
      try evaluation.delete(stored: key, replacing: entry.info.expiry)
      try evaluation.put(
        stored: target, entry.value.rawSpan, type: entry.info.type, expiry: entry.info.expiry)
    }
    return true
  }

  /// Makes `target`, whose own entry goes, a copy of what `key` holds. False if there is nothing at `key`.
  ///
  /// O(fields), all of which must fit into one batch: `.batchTooLarge`. All writers wait meanwhile.
  package static func copy(
    _ key: RawSpan, to target: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    // Before anything is written, since a script may go on after an error.
    try Limits.check(key: target)
    guard let entry = try copyOfEntry(key, in: &evaluation) else { return false }
    if key.compare(to: target) == 0 { return true }
    try evaluation.asOneChange { evaluation throws(StoreError) in
      try remove(target, in: &evaluation)
      var value = entry.value
      if let record = MapRecord(of: entry.info, value.rawSpan) {
        value = try MapFields.copyAll(of: record, for: target, in: &evaluation).bytes
      }
      try evaluation.put(
        stored: target, value.rawSpan, type: entry.info.type, expiry: entry.info.expiry)
    }
    return true
  }

  /// Gives what `key` holds another expiry, 0 for none. The entry is written again: O(length) for a string,
  /// O(1) for a map, of which only the record is.
  package static func setExpiry(
    _ expiry: UInt64, of key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {
    guard let entry = try copyOfEntry(key, in: &evaluation) else { return }
    try evaluation.put(
      stored: key, entry.value.rawSpan, type: entry.info.type, expiry: expiry,
      replacing: entry.info.expiry)
  }

  /// Removes what `key` holds if it has expired. Returns whether it had.
  @discardableResult
  package static func removeExpired(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    let now = evaluation.now
    let hasExpired = try evaluation.withStoredEntry(of: key) { info, _ in
      info.map { $0.expiry != 0 && $0.expiry <= now } ?? false
    }
    guard hasExpired else { return false }
    try remove(key, in: &evaluation)
    return true
  }

  private static func copyOfEntry(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> (info: EntryInfo, value: [UInt8])? {
    try evaluation.withEntry(of: key) { (info, value) in
      info.map { ($0, [UInt8](copying: value)) }
    }
  }
}
