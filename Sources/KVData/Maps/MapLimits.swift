import KVStore

/// Limits of a map.
public enum MapLimits {
  /// Maximum length of a field in bytes. The map's id precedes it in the
  /// engine's key.
  public static let fieldByteCount = 490

  /// Bytes that a field takes in a batch in addition to its own and its value's: the map's id and length fields.
  package static let fieldOverhead = 24

  /// Bytes before the field in its engine key.
  package static let fieldPrefixByteCount = FieldKey.prefixByteCount

  /// A map with more fields is deleted by one range tombstone. Up to this number, fields are deleted one by one,
  /// because many tombstones slow down reads.
  static let fieldsDeletedOneByOne = 512
}
