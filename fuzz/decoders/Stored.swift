@testable import KVStore
@testable import TxnWAL

/// Feeds arbitrary bytes to everything that reads a partition's file and the manifest. The checksum is
/// mended first where there is one, so that what lies behind it is reached.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStored(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  var bytes = Array(UnsafeBufferPointer(start: start, count: count))
  read(bytes)
  guard bytes.count >= 8 else { return 0 }
  // Records carry the sum of the rest at their heads, the manifest at its end.
  var sealed = bytes
  store(CRC32C.checksum(bytes.rawSpan.extracting(4..<bytes.count)), in: &sealed, at: 0)
  read(sealed)
  let end = bytes.count - 4
  store(CRC32C.checksum(bytes.rawSpan.extracting(0..<end)), in: &bytes, at: end)
  read(bytes)
  return 0
}

private func read(_ bytes: [UInt8]) {
  let span = bytes.rawSpan
  _ = try? StoredValue.decode(span, key: RawSpan(), seed: 0, file: "data.mdb")
  _ = try? Manifest.decode(span, file: "MANIFEST")
  _ = try? AppliedState.decode(span, seed: 0, file: "data.mdb")
  _ = try? PartitionIdentity.decode(span, file: "data.mdb")
  if let tombstone = try? RangeTombstone.decode(span, seed: 0, file: "data.mdb") {
    precondition(tombstone.encode(seed: 0) == bytes, "a tombstone is read as another")
  }
  _ = try? MetaPage(span, number: 0, offset: 0, file: "data.mdb")
}

private func store(_ sum: UInt32, in bytes: inout [UInt8], at offset: Int) {
  for place in 0..<4 {
    bytes[offset + place] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(place)))
  }
}
