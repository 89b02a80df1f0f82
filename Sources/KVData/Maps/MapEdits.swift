import KVStore

extension Evaluation {
  /// Lends the map at `key` for changes; one that is absent is made by its first field, and one that loses
  /// its last field is gone.
  ///
  /// The record of the map is read before `body` and written behind it, once, whatever `body` changes. Throws
  /// `.wrongType` where the key holds something else.
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
    // Before anything is written: a field without its record would be nobody's.
    try Limits.check(key: key)
    var edit = try MapEdit(key, type: type, in: &self)
    if edit.isAbsent { try edit.begin(key, in: &self) }
    let result: R
    do throws(StoreError) {
      result = try body(&edit, &self)
    } catch {
      // Whoever goes on with the batch finds a record that agrees with the fields.
      try edit.finish(key, in: &self)
      throw error
    }
    try edit.finish(key, in: &self)
    return result
  }

  /// The id of a map that is made now.
  mutating func makeMapID(for key: RawSpan) -> MapID {
    let place = takePlace()
    return MapID(
      slot: UInt16(InternalKey.slot(of: key)), sequence: place.sequence, ordinal: place.ordinal)
  }
}
