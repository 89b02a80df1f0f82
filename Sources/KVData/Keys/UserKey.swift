import Base
import KVStore

/// How the keys of clients stand in the engine.
///
/// Engine keys that begin 0x00 and then 0x01 to 0x0F are the engine's and the data model's own. A client's key
/// that begins 0x00 therefore gets one more 0x00 in front, which no internal key has; all others stand as
/// they are. The order of keys is kept: of two keys both are changed alike, or the one that is begins with the
/// smallest byte there is.
package enum UserKey {
  /// Whether the engine key of `key` differs from it.
  @inline(__always)
  package static func isEscaped(_ key: RawSpan) -> Bool {
    key.byteCount > 0 && key.load(at: 0, as: UInt8.self) == 0
  }

  /// The key in the engine.
  package static func engineKey(of key: RawSpan) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(key.byteCount + 1)
    if isEscaped(key) { bytes.append(0) }
    bytes.append(copying: key)
    return bytes
  }

  /// The same for one end of a range, which may be a key or a prefix.
  package static func engineKey(of key: [UInt8]) -> [UInt8] {
    key.first == 0 ? [0] + key : key
  }

  /// The client's key that stands in the engine as `engineKey`.
  @inline(__always)
  @_lifetime(copy engineKey)
  package static func userKey(of engineKey: RawSpan) -> RawSpan {
    isEscaped(engineKey) ? engineKey.extracting(droppingFirst: 1) : engineKey
  }
}
