import Base

@testable import KVStore

/// Feeds arbitrary bytes to everything that reads a partition's file and the manifest. The checksum is
/// mended first where there is one, so that what lies behind it is reached.
///
/// Returns whether any of it was read as something.
func feedStored(_ bytes: [UInt8]) -> Bool {
  var bytes = bytes
  var isFound = read(bytes)
  guard bytes.count >= 8 else { return isFound }
  // Records carry the sum of the rest at their heads, the manifest at its end.
  var sealed = bytes
  store(CRC32C.checksum(bytes.rawSpan.extracting(4..<bytes.count)), in: &sealed, at: 0)
  if read(sealed) { isFound = true }
  // That of an entry also covers its stored key.
  var sum = CRC32C()
  sum.update(Keyspace.keys.rawValue, then: bytes.rawSpan.extracting(4..<bytes.count))
  store(sum.value, in: &sealed, at: 0)
  if read(sealed) { isFound = true }
  let end = bytes.count - 4
  store(CRC32C.checksum(bytes.rawSpan.extracting(0..<end)), in: &bytes, at: end)
  if read(bytes) { isFound = true }
  return isFound
}

private func read(_ bytes: [UInt8]) -> Bool {
  let span = bytes.rawSpan
  var isFound = false
  if (try? StoredValue.decode(
    span, at: EntryAddress(.keys, RawSpan()), seed: 0, file: "data.mdb")) != nil
  {
    isFound = true
  }
  if let (piece, byteCount) = SalvagedPiece.decode(bytes[...]) {
    precondition(piece.encoded == Array(bytes[..<byteCount]), "a piece is read as another")
    isFound = true
  }
  if (try? Manifest.decode(span, file: "MANIFEST")) != nil { isFound = true }
  if (try? AppliedState.decode(span, seed: 0, file: "data.mdb")) != nil { isFound = true }
  if (try? PartitionIdentity.decode(span, file: "data.mdb")) != nil { isFound = true }
  if let tombstone = try? RangeTombstone.decode(span, seed: 0, file: "data.mdb") {
    precondition(tombstone.encode(seed: 0) == bytes, "a tombstone is read as another")
    isFound = true
  }
  if (try? MetaPage(span, number: 0, offset: 0, file: "data.mdb")) != nil { isFound = true }
  return isFound
}

private func store(_ sum: UInt32, in bytes: inout [UInt8], at offset: Int) {
  for place in 0..<4 {
    bytes[offset + place] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(place)))
  }
}
