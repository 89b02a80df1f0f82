import Base
import KVStore

/// Maps client keys to engine keys.
///
/// Engine keys that begin with 0x00 and then 0x01 to 0x0F are reserved for the engine and the data model. So a
/// client key that begins with 0x00 is stored with another 0x00 in front, which no internal key has. All other keys
/// are stored unchanged. Key order is preserved: if only one of two keys is changed, it begins with the smallest
/// byte.
package enum UserKey {
  /// Whether the engine key of `key` differs from `key`.
  @inline(__always)
  package static func isEscaped(_ key: RawSpan) -> Bool {
    key.byteCount > 0 && key.load(at: 0, as: UInt8.self) == 0
  }

  /// The engine key of `key`.
  package static func engineKey(of key: RawSpan) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(key.byteCount + 1)
    if isEscaped(key) { bytes.append(0) }
    bytes.append(copying: key)
    return bytes
  }

  /// Same, for one end of a range: a key or a prefix.
  package static func engineKey(of key: [UInt8]) -> [UInt8] {
    key.first == 0 ? [0] + key : key
  }

  /// The client key stored as `engineKey`.
  @inline(__always)
  @_lifetime(copy engineKey)
  package static func userKey(of engineKey: RawSpan) -> RawSpan {
    isEscaped(engineKey) ? engineKey.extracting(droppingFirst: 1) : engineKey
  }
}
