@testable import KVStore
@testable import TxnWAL

/// Feeds arbitrary bytes to everything that reads the log: headers, sections, mutations, the control
/// file and segment headers. Nothing may trap, and every range must lie in the bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecords(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let span = bytes.rawSpan
  if bytes.count >= RecordHeader.byteCount {
    // Its own position, so that the fuzzer need not guess it.
    let lsn = LSN(rawValue: span.load(at: 8, as: UInt64.self))
    if let header = RecordHeader.parse(span, at: 0, expecting: lsn) {
      _ = header.syncedLSN
      if header.recordByteCount <= bytes.count {
        _ = header.checksOut(span, at: 0, seed: 0)
        walk(
          span.extracting(RecordHeader.byteCount..<RecordHeader.byteCount + header.payloadByteCount)
        )
      }
    }
  }
  walk(span)
  walkMutations(span)
  _ = try? Control.newest(in: bytes, path: "control")
  _ = try? SegmentHeader.decode(bytes, path: "segment")
  return 0
}

private func walk(_ payload: RawSpan) {
  var offset = Section.firstOffset
  while offset < payload.byteCount, let section = Section.parse(payload, at: offset) {
    precondition(section.range.upperBound > offset && section.range.upperBound <= payload.byteCount)
    walkMutations(payload.extracting(section.range))
    offset = section.range.upperBound
  }
}

private func walkMutations(_ bytes: RawSpan) {
  var offset = 0
  while offset < bytes.byteCount, let mutation = Mutation.parse(bytes, at: offset) {
    precondition(mutation.end > offset && mutation.end <= bytes.byteCount)
    _ = bytes.extracting(mutation.key)
    if let value = mutation.value { _ = bytes.extracting(value) }
    offset = mutation.end
  }
  _ = MutationSummary.all(in: bytes)
}
