import Base
import KVStore

/// The key of a map field in `Keyspace.owned`. One buffer, reused for one field after another.
///
///     offset  size  field
///     0       14    the map's id, which begins with the slot that the engine routes by
///     14      0…    the field
struct FieldKey {
  static let prefixByteCount = MapID.byteCount

  private(set) var bytes: [UInt8]

  init(of id: MapID) {
    bytes = []
    bytes.reserveCapacity(Self.prefixByteCount + 48)
    id.append(to: &bytes)
  }

  /// Changes the buffer to the key of `field`.
  mutating func set(_ field: RawSpan) {
    bytes.removeSubrange(Self.prefixByteCount...)
    bytes.append(copying: field)
  }

  /// The field in such a key.
  @_lifetime(copy key)
  static func field(of key: RawSpan) -> RawSpan {
    key.extracting(droppingFirst: prefixByteCount)
  }

  static func check(_ field: RawSpan) throws(StoreError) {
    guard field.byteCount <= MapLimits.fieldByteCount else {
      throw .keyTooLong(byteCount: field.byteCount, limit: MapLimits.fieldByteCount)
    }
  }
}

extension MapID {
  /// The range of the keys, in `Keyspace.owned`, of the fields in `fields`.
  func keys(of fields: KeyRange) -> KeyRange {
    let prefix = FieldKey(of: self).bytes
    let upper = fields.upper.map { prefix + $0 } ?? KeyRange.prefix(prefix).upper
    return KeyRange(from: prefix + fields.lower, to: upper)
  }
}
