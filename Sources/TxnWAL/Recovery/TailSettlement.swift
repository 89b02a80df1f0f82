import Base

extension SegmentSet {
  private static let windowByteCount = 1 << 20

  /// Makes the end of the log certain, before anything is built on it.
  ///
  /// The last group may be readable without being on the disk: after a sync that failed the kernel
  /// counts its pages as clean, and no later sync would write them. So the bytes between `proven` and
  /// `end` are written once more as they are. Behind `end` the header of a torn record may stand. It is
  /// overwritten with zeros: otherwise what it lacks could be supplied, by chance, by the torn record
  /// of a later crash, and a transaction that was presumed aborted would be committed after all.
  ///
  /// A crash in here changes nothing: the same bytes are written again, or the cut is made again.
  func settleTail(from proven: LSN, to end: LSN) throws(LogError) {
    CrashPoint.reached(.tailBeforeSettling)
    var start = proven
    var touched: ClosedRange<Int>?
    func write(_ bytes: [UInt8], at lsn: LSN) throws(LogError) {
      let range = try self.write(bytes.rawSpan, at: lsn)
      CrashPoint.reached(.tailAfterWrite)
      touched = (touched?.lowerBound ?? range.lowerBound)...range.upperBound
    }
    while start < end {
      let stop = min(start.advanced(by: Self.windowByteCount), end)
      var bytes: [UInt8] = []
      try read(into: &bytes, from: start, upTo: stop)
      try write(bytes, at: start)
      start = stop
    }
    let cut = min(end.advanced(by: RecordHeader.byteCount), self.end)
    if end < cut {
      var bytes: [UInt8] = []
      try read(into: &bytes, from: end, upTo: cut)
      if bytes.contains(where: { $0 != 0 }) {
        try write([UInt8](repeating: 0, count: bytes.count), at: end)
      }
    }
    if let touched { try sync(touched) }
    CrashPoint.reached(.tailAfterSync)
  }
}
