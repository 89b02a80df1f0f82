import Base

/// The address of an entry: its keyspace and its key, whose bytes are borrowed. This is how an address is
/// passed; see `StoredKey` for how it is stored.
///
/// Addresses are ordered by keyspace first, then by the bytes of their keys.
package struct EntryAddress: ~Escapable, BitwiseCopyable {
  let keyspace: Keyspace
  let key: RawSpan

  @inline(__always)
  @_lifetime(copy key)
  package init(_ keyspace: Keyspace, _ key: RawSpan) {
    self.keyspace = keyspace
    self.key = key
  }

  /// The address that is stored as `storedKey`, which must not be empty.
  @inline(__always)
  @_lifetime(copy storedKey)
  init(storedAs storedKey: RawSpan) {
    keyspace = Keyspace(unchecked: storedKey.load(at: 0, as: UInt8.self))
    key = storedKey.extracting(droppingFirst: 1)
  }

  /// Whether this address comes before the one stored as `bound`, which must not be empty.
  @inline(__always)
  func isBefore(storedKey bound: RawSpan) -> Bool {
    let first = bound.load(at: 0, as: UInt8.self)
    if keyspace.rawValue != first { return keyspace.rawValue < first }
    return key.isBefore(bound.extracting(droppingFirst: 1))
  }

  /// A copy of the bytes by which it is stored.
  var storedKey: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(key.byteCount + 1)
    bytes.append(keyspace.rawValue)
    bytes.append(copying: key)
    return bytes
  }
}

extension Finding {
  /// Damage of the entry at `address`.
  init(file: String, at address: EntryAddress, expected: String, found: String) {
    self.init(
      file: file, key: Array(copying: address.key), keyspace: address.keyspace.rawValue,
      expected: expected, found: found)
  }
}
