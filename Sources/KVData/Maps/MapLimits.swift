import KVStore

/// What a map may measure.
public enum MapLimits {
  /// The bytes of a field: with the map's id before it, it is a key of the engine.
  public static let fieldByteCount = InternalKey.fieldByteCount

  /// The bytes that a field takes in a batch beside its own and its value's: the map's id, and what tells
  /// lengths.
  package static let fieldOverhead = 24

  /// The bytes before those of a field in its key.
  package static let fieldPrefixByteCount = FieldKey.prefixByteCount

  /// A map of more fields is deleted by one range tombstone; fields fewer than that go one by one, since
  /// many tombstones slow reads down.
  static let fieldsDeletedOneByOne = 512
}
