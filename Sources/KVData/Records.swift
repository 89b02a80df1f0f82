import Base
import KVStore

/// Writes keys of any type: every overwrite and removal of a key goes through here.
///
///     replace   removes whatever the key holds, with all that belongs to it; the key becomes a string
///     rewrite   replaces a string that this evaluation has read by another; nothing belongs to a string
///     remove    removes whatever the key holds, with all that belongs to it
///
/// An expiry is in milliseconds since 1970; 0 is never. A caller that has read the replaced entry also passes its
/// expiry, so that its entry in the expiry index is removed; otherwise that remains until its time. As long as a
/// store has never had a map, `replace` reads nothing.
package enum Records {
  /// - Parameter place: the place of this key, if the caller knows it.
  @inline(__always)
  package static func replace(
    _ key: RawSpan, with value: RawSpan, expiry: UInt64 = 0, replacing oldExpiry: UInt64 = 0,
    at place: KeyPlace? = nil, in evaluation: inout Evaluation
  ) throws(StoreError) {
    guard evaluation.mayHoldOwners else {
      if expiry | oldExpiry == 0 { return try evaluation.putEntry(key, value, at: place) }
      return try rewrite(
        key, with: value, expiry: expiry, replacing: oldExpiry, in: &evaluation)
    }
    // Checked before the fields are removed, because a script may continue after an error.
    try Limits.check(key: key)
    try Limits.check(value: value)
    try evaluation.atomically { evaluation throws(StoreError) in
      try releaseFields(of: key, in: &evaluation)
      try rewrite(key, with: value, expiry: expiry, replacing: oldExpiry, in: &evaluation)
    }
  }

  @inline(__always)
  package static func rewrite(
    _ key: RawSpan, with value: RawSpan, expiry: UInt64, replacing oldExpiry: UInt64,
    in evaluation: inout Evaluation
  ) throws(StoreError) {
    if expiry | oldExpiry == 0 { return try evaluation.putEntry(key, value) }
    try evaluation.putEntry(
      key, value, type: RecordType.string.rawValue, expiry: expiry, replacing: oldExpiry)
  }

  /// Replaces the string and keeps its expiry.
  @inline(__always)
  package static func rewrite(
    _ key: RawSpan, with value: RawSpan, keeping expiry: UInt64, in evaluation: inout Evaluation
  ) throws(StoreError) {
    try rewrite(key, with: value, expiry: expiry, replacing: expiry, in: &evaluation)
  }

  /// Returns whether the key existed. If nothing is stored, nothing is written.
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
    try evaluation.atomically { evaluation throws(StoreError) in
      if let record { try MapFields.deleteAll(of: record, in: &evaluation) }
      try evaluation.deleteEntry(key, replacing: old.expiry)
    }
    return old.expiry == 0 || old.expiry > evaluation.now
  }

  /// Removes the key without reading it, as long as the store has never had a map.
  package static func removeUnread(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {
    try evaluation.atomically { evaluation throws(StoreError) in
      try release(key, in: &evaluation)
      try evaluation.deleteEntry(key)
    }
  }

  /// Removes what belongs to the entry at `key` but is stored separately. Call before the entry is removed or
  /// replaced, even if it has expired.
  @inline(__always)
  package static func release(
    _ key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {
    if evaluation.mayHoldOwners { try releaseFields(of: key, in: &evaluation) }
  }

  @inline(never)
  private static func releaseFields(
    of key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {
    let (record, byteCount) = try evaluation.withStoredEntry(of: key) { info, value in
      (MapRecord(of: info, value), value.byteCount)
    }
    try evaluation.pace.advance(by: ScanBudget.steps(forByteCount: byteCount))
    if let record { try MapFields.deleteAll(of: record, in: &evaluation) }
  }

  /// Brings into memory what removing or replacing `key` will read. Returns roughly how many bytes that adds to a
  /// batch in addition to the key: the fields of a small map are deleted one by one.
  package static func touch(
    _ key: RawSpan, with reader: Reader
  ) throws(StoreError) -> Int {
    try touch(key, with: reader, limit: .max).batchByteCount
  }

  /// Same, but stops once more than `limit` bytes of values were read. Also returns how many bytes that was,
  /// because removing the key reads and verifies them again.
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
    // The map may have been deleted meanwhile: then nothing is found, and nothing will be deleted.
    try reader.withCut(of: map.place, in: .owned) { cut throws(StoreError) in
      try map.walk(in: &cut) { field, value in
        byteCount += field.byteCount + FieldKey.prefixByteCount + mutationByteCount
        readByteCount += value.byteCount
        return readByteCount <= limit
      }
    }
    return (byteCount, readByteCount)
  }

  /// Size of a range tombstone over the fields of a map.
  private static let tombstoneByteCount = 64
  /// Log bytes of a delete in addition to its key.
  private static let mutationByteCount = 4

  /// Lends the string at `key`, nil if there is none, and its expiry. Throws `.wrongType`.
  @inline(__always)
  package static func withString<R>(
    at key: RawSpan, in evaluation: inout Evaluation,
    _ body: (RawSpan?, _ expiry: UInt64) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    var result: R?
    try lendString(at: key, in: &evaluation) { value, expiry throws(StoreError) in
      result = try body(value, expiry)
    }
    guard let result else { preconditionFailure("the lookup did not call its body") }
    return result
  }

  /// Same, for a body without a result.
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

  /// Moves the entry at `key` to `target`, replacing what `target` holds. Returns false if `key` holds nothing.
  ///
  /// For a map only the record is moved, so the cost does not depend on its size. A string is rewritten.
  package static func rename(
    _ key: RawSpan, to target: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    // Checked before anything is written, because a script may continue after an error.
    try Limits.check(key: target)
    guard let entry = try copyOfEntry(key, in: &evaluation) else { return false }
    if key.compare(to: target) == 0 { return true }
    try evaluation.atomically { evaluation throws(StoreError) in
      try remove(target, in: &evaluation)
      try evaluation.deleteEntry(key, replacing: entry.info.expiry)
      try evaluation.putEntry(
        target, entry.value.rawSpan, type: entry.info.type, expiry: entry.info.expiry)
    }
    return true
  }

  /// Copies the entry at `key` to `target`, replacing what `target` holds. Returns false if `key` holds nothing.
  ///
  /// O(fields); all of them must fit into one batch, otherwise `.batchTooLarge`. All writers wait meanwhile.
  package static func copy(
    _ key: RawSpan, to target: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) -> Bool {
    // Checked before anything is written, because a script may continue after an error.
    try Limits.check(key: target)
    guard let entry = try copyOfEntry(key, in: &evaluation) else { return false }
    if key.compare(to: target) == 0 { return true }
    try evaluation.atomically { evaluation throws(StoreError) in
      try remove(target, in: &evaluation)
      var value = entry.value
      if let record = MapRecord(of: entry.info, value.rawSpan) {
        value = try MapFields.copyAll(of: record, for: target, in: &evaluation).bytes
      }
      try evaluation.putEntry(
        target, value.rawSpan, type: entry.info.type, expiry: entry.info.expiry)
    }
    return true
  }

  /// Sets the expiry of the entry at `key`, 0 for none. The entry is rewritten: O(length) for a string, O(1) for a
  /// map, where only the record is rewritten.
  package static func setExpiry(
    _ expiry: UInt64, of key: RawSpan, in evaluation: inout Evaluation
  ) throws(StoreError) {
    guard let entry = try copyOfEntry(key, in: &evaluation) else { return }
    try evaluation.putEntry(
      key, entry.value.rawSpan, type: entry.info.type, expiry: expiry,
      replacing: entry.info.expiry)
  }

  /// Removes the entry at `key` if it has expired. Returns whether it had.
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
