import Base

/// The key that a request is about, and what has been found out about it. Its slot and its hash are computed
/// once, and its path through the file is searched once; later steps of the request reuse the results.
///
/// The key is recognized by the address of its bytes. They stay lent while the key is expected, so no other
/// key can be at that address. The same key at another address is looked up like any other.
///
/// A `Reader` shares one with its views.
final class PreparedKey {
  private var address: UInt = 0
  /// -1 if no key is expected.
  private var byteCount = -1
  private(set) var place = KeyPlace(partition: 0, hash: 0)
  var finding = FileLookupResult()

  @inline(__always)
  func set(_ key: RawSpan, at place: KeyPlace, _ finding: FileLookupResult) {
    address = key.address
    byteCount = key.byteCount
    self.place = place
    self.finding = finding
  }

  @inline(__always)
  func clear() { byteCount = -1 }

  /// Whether the expected key is at `entry`. Only users' keys are expected.
  @inline(__always)
  func isAt(_ entry: EntryAddress) -> Bool {
    entry.key.byteCount == byteCount && entry.key.address == address && entry.keyspace == .keys
  }
}

/// Where the search for an entry begins. It is a value, so whoever computed it for one key must not use it for
/// another.
package struct KeyPlace: BitwiseCopyable {
  let partition: Int
  let hash: UInt64
}
