import Base

@testable import KVStore
@testable import TxnWAL

/// Feeds arbitrary bytes to everything that reads the log: headers, sections, mutations, the control
/// file and segment headers. Nothing may trap, and every range must lie in the bytes.
///
/// Returns whether a header, a section, a mutation or one of the files' heads was found in them.
func feedRecords(_ bytes: [UInt8]) -> Bool {
  let span = bytes.rawSpan
  var isFound = false
  if bytes.count >= RecordHeader.byteCount {
    // Its own position, so that the fuzzer need not guess it.
    let lsn = LSN(rawValue: span.load(at: 8, as: UInt64.self))
    if let header = RecordHeader.parse(span, at: 0, expecting: lsn) {
      isFound = true
      _ = header.syncedLSN
      if header.recordByteCount <= bytes.count {
        _ = header.checksOut(span, at: 0, seed: 0)
        _ = walk(
          span.extracting(RecordHeader.byteCount..<RecordHeader.byteCount + header.payloadByteCount)
        )
      }
    }
  }
  if walk(span) { isFound = true }
  if walkMutations(span) { isFound = true }
  if (try? Control.newest(in: bytes, path: "control")) != nil { isFound = true }
  if (try? SegmentHeader.decode(bytes, path: "segment")) != nil { isFound = true }
  return isFound
}

private func walk(_ payload: RawSpan) -> Bool {
  var offset = Section.firstOffset
  while offset < payload.byteCount, let section = Section.parse(payload, at: offset) {
    precondition(section.range.upperBound > offset && section.range.upperBound <= payload.byteCount)
    _ = walkMutations(payload.extracting(section.range))
    offset = section.range.upperBound
  }
  return offset > Section.firstOffset
}

private func walkMutations(_ bytes: RawSpan) -> Bool {
  var offset = 0
  while offset < bytes.byteCount, let mutation = Mutation.parse(bytes, at: offset) {
    precondition(mutation.end > offset && mutation.end <= bytes.byteCount)
    let address = mutation.address(in: bytes)
    precondition((0..<SlotHash.slotCount).contains(address.slot))
    precondition(Array(copying: bytes.extracting(mutation.storedKey)) == address.storedKey)
    if let (_, place) = ExpiryIndex.parse(address.key) { _ = address.key.extracting(place) }
    precondition(mutation.type <= EntryHeader.typeLimit)
    if let value = mutation.value { _ = bytes.extracting(value) }
    offset = mutation.end
  }
  _ = MutationSummary.all(in: bytes)
  return offset > 0
}
