import Base
import KVStore

/// The entry at the key of a map. Every write to the map rewrites it, so the key's sequence is that of the newest
/// change to any field.
///
///     offset  size  field
///     0       14    the map's id
///     14      8     number of fields, little-endian; never 0
struct MapRecord: Equatable, Sendable {
  static let byteCount = MapID.byteCount + 8

  var id: MapID
  var count: Int

  init(id: MapID, count: Int) {
    self.id = id
    self.count = count
  }

  /// Nil if `bytes` is not a map record.
  init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount else { return nil }
    id = MapID(bytes, at: 0)
    guard let count = Int(exactly: bytes.load(at: MapID.byteCount, as: UInt64.self)) else {
      return nil
    }
    self.count = count
  }

  /// Nil if the entry is of a type without fields.
  init?(of info: EntryInfo?, _ value: RawSpan) {
    guard info?.recordType?.hasFields == true else { return nil }
    self.init(value)
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    id.append(to: &bytes)
    bytes.appendLittleEndian(UInt64(count))
    return bytes
  }
}
