import Base

/// Tells a torn tail from corruption.
///
/// At most one group of records is being written at a time, so anything a crash leaves unfinished begins at or
/// after the position up to which the log was synced. Every record states that position as of its own writing. So
/// if the log ends at E:
///
///     a valid record after E, written when E was durable    E has been damaged: corruption
///     none                                                  an unfinished write: torn tail
///
/// Records of an older epoch than the last valid record are leftovers of an earlier crash and prove nothing. Damage
/// in the last group of the log cannot be told from an unfinished write by the log alone; the participants' applied
/// positions are checked in addition.
struct TailInspector {
  private static let windowByteCount = 1 << 20
  /// Most of the space after the end was never written: zeros are skipped in blocks of this size.
  private static let blockByteCount = 4096

  let segments: SegmentSet
  let end: LSN
  let epoch: UInt32

  /// The damage at the end of the log; nil if there is none, also for a torn tail. O(bytes of the segments after
  /// the end).
  func damage() throws(LogError) -> Finding? {
    try firstRecord { $0.syncedLSN > end }.map { finding(provenBy: $0) }
  }

  /// The first valid record after the end, not left from an earlier epoch, that satisfies `isWanted`.
  func firstRecord(where isWanted: (RecordHeader) -> Bool) throws(LogError) -> RecordHeader? {
    let seed = segments.storeID.checksumSeed
    var start = end.advanced(by: RecordHeader.alignment)
    while start < segments.end {
      let stop = min(start.advanced(by: Self.windowByteCount), segments.end)
      // The windows overlap by one header, so that no header is cut in two.
      let readTo = min(stop.advanced(by: RecordHeader.byteCount), segments.end)
      var bytes: [UInt8] = []
      try segments.read(into: &bytes, from: start, upTo: readTo)
      let span = bytes.rawSpan
      var offset = 0
      var nextLook = 0
      while start.advanced(by: offset) < stop {
        if offset >= nextLook {
          if span.areZero(at: offset, count: Self.blockByteCount) {
            // The LSN field of a later header is not zero, so it must lie after the block.
            offset += Self.blockByteCount - RecordHeader.alignment
            continue
          }
          nextLook = offset + Self.blockByteCount
        }
        let lsn = start.advanced(by: offset)
        if let header = RecordHeader.parse(span, at: offset, expecting: lsn),
          header.transaction.epoch >= epoch, isWanted(header),
          try isSound(header, seed: seed)
        {
          return header
        }
        offset += RecordHeader.alignment
      }
      start = stop
    }
    return nil
  }

  private func isSound(_ header: RecordHeader, seed: UInt32) throws(LogError) -> Bool {
    guard header.end <= segments.end else { return false }
    var bytes: [UInt8] = []
    try segments.read(into: &bytes, from: header.lsn, upTo: header.end)
    return header.checksOut(bytes.rawSpan, at: 0, seed: seed)
  }

  private func finding(provenBy header: RecordHeader) -> Finding {
    let index = segments.geometry.segment(of: end)
    return Finding(
      file: segments.file(index)?.path ?? LogGeometry.fileName(of: index),
      offset: UInt64(segments.geometry.fileOffset(of: end)),
      expected: "a valid record at LSN \(end), which was durable when the record at LSN "
        + "\(header.lsn) was written",
      found: "one with a wrong checksum or position")
  }
}

extension SegmentSet {
  /// Whether a record header for `lsn`, not left from an earlier epoch, is stored there. Its checksum is not
  /// verified.
  func hasRecordHeader(at lsn: LSN, epoch: UInt32) throws(LogError) -> Bool {
    let end = lsn.advanced(by: RecordHeader.byteCount)
    guard end <= self.end else { return false }
    var bytes: [UInt8] = []
    try read(into: &bytes, from: lsn, upTo: end)
    guard let header = RecordHeader.parse(bytes.rawSpan, at: 0, expecting: lsn) else {
      return false
    }
    return header.transaction.epoch >= epoch
  }
}
