import KVStore

extension Evaluation {
  /// Lends the map at `key` for changes. Writing the first field creates an absent map; removing the last field
  /// removes the map.
  ///
  /// The map's record is read once before `body` and written once after it, whatever `body` changes. Throws
  /// `.wrongType` if the key holds something else.
  @discardableResult
  public mutating func editMap<R>(
    at key: RawSpan,
    _ body: (inout MapEdit, inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    try edit(.map, at: key, body)
  }

  @discardableResult
  package mutating func edit<R>(
    _ type: RecordType, at key: RawSpan,
    _ body: (inout MapEdit, inout Evaluation) throws(StoreError) -> R
  ) throws(StoreError) -> R {
    // Checked before anything is written: a field without its record would be unreachable.
    try Limits.check(key: key)
    var edit = try MapEdit(key, type: type, in: &self)
    if edit.isAbsent { try edit.begin(key, in: &self) }
    let result: R
    do throws(StoreError) {
      result = try body(&edit, &self)
    } catch {
      // The caller may continue the batch, so the record must match the fields.
      try edit.finish(key, in: &self)
      throw error
    }
    try edit.finish(key, in: &self)
    return result
  }

  /// The id of a newly created map.
  mutating func makeMapID(for key: RawSpan) -> MapID {
    let place = takeOrdinal()
    return MapID(
      slot: UInt16(Keyspace.slot(ofUserKey: key)), sequence: place.sequence, ordinal: place.ordinal)
  }
}
