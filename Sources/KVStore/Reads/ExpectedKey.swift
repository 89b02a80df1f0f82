import Base

/// The key that a request is about, and what has been found out about it: its slot and its hash are computed once, and
/// its way through the file is walked once, by whoever comes first; those that come later are told.
///
/// It is known by where its bytes lie. As long as it is expected they are lent, so that no other key can lie
/// there; the same key in another place is looked up as any other.
///
/// One belongs to a `Reader` and its views.
final class ExpectedKey {
  private var address: UInt = 0
  /// -1 where none is expected.
  private var byteCount = -1
  private(set) var place = KeyPlace(partition: 0, hash: 0)
  var finding = FileFinding()

  @inline(__always)
  func set(_ key: RawSpan, at place: KeyPlace, _ finding: FileFinding) {
    address = key.address
    byteCount = key.byteCount
    self.place = place
    self.finding = finding
  }

  @inline(__always)
  func clear() { byteCount = -1 }

  @inline(__always)
  func isKey(_ key: RawSpan) -> Bool { key.byteCount == byteCount && key.address == address }
}

/// Where the search for a key begins.
struct KeyPlace: BitwiseCopyable {
  let partition: Int
  let hash: UInt64
}
