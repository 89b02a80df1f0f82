import Base
import KVStore

/// What stands at the key of a map. Every write of the map writes it again, so that the sequence of the key is
/// that of the newest change of any field.
///
///     offset  size  field
///     0       14    the map's id
///     14      8     how many fields it has, little-endian; never 0
struct MapRecord: Equatable, Sendable {
  static let byteCount = MapID.byteCount + 8

  var id: MapID
  var count: Int

  init(id: MapID, count: Int) {
    self.id = id
    self.count = count
  }

  /// Nil if `bytes` are no record of a map.
  init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount else { return nil }
    id = MapID(bytes, at: 0)
    guard let count = Int(exactly: bytes.load(at: MapID.byteCount, as: UInt64.self)) else {
      return nil
    }
    self.count = count
  }

  /// Nil if the entry is not one with fields.
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
