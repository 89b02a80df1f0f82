import Base

@testable import KVStore

/// Feeds arbitrary bytes to everything that reads tuples. What is accepted must be the one encoding of what it means,
/// whichever way it is read, and lie in the ranges of all its prefixes.
///
/// Returns whether the bytes are those of a tuple.
func feedTuples(_ bytes: [UInt8]) -> Bool {
  _ = try? Tuple.decode(bytes, as: String.self, Int64.self, Double?.self)
  _ = try? Tuple.decode(bytes, as: Tuple.self, [UInt8].self, UInt8.self)
  _ = try? Tuple.decode(bytes, as: Float.self, Bool.self, Tuple.Element.self)
  guard let tuple = try? Tuple(encoded: bytes) else {
    precondition(!isReadByElements(bytes), "one decoder accepts what another refuses")
    return false
  }
  precondition(isReadByElements(bytes), "one decoder refuses what another accepts")
  precondition(tuple.bytes == bytes)
  precondition(Tuple(elements: tuple.elements) == tuple, "a tuple is read as another")
  _ = tuple.description
  if tuple.elements.count < 16 {
    for count in 0...tuple.elements.count {
      let prefix = Tuple(elements: tuple.elements.prefix(count))
      precondition(prefix <= tuple && bytes.starts(with: prefix.bytes))
      precondition(KeyRange.prefix(prefix).contains(bytes.rawSpan))
    }
  }
  return true
}

private func isReadByElements(_ bytes: [UInt8]) -> Bool {
  var decoder = TupleDecoder(bytes.rawSpan)
  do throws(TupleError) {
    while !decoder.isAtEnd { _ = try decoder.next(Tuple.Element.self) }
    return true
  } catch {
    guard case .malformed(let offset, _) = error else { preconditionFailure("\(error)") }
    precondition(bytes.indices.contains(offset))
    return false
  }
}
