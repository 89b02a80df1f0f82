import Base

extension SegmentSet {
  private static let windowByteCount = 1 << 20

  /// Makes the end of the log certain before anything is appended to it.
  ///
  /// The last group may be readable without being on disk: after a failed sync the kernel considers its pages
  /// clean, and no later sync would write them. So the bytes between `proven` and `end` are written again
  /// unchanged. After `end` there may be the header of a torn record. It is overwritten with zeros: otherwise the
  /// torn record of a later crash might happen to complete it, and a transaction presumed aborted would be
  /// committed after all.
  ///
  /// A crash here is harmless: the same bytes are written, and the same header is cleared, again.
  func finalizeTail(from proven: LSN, to end: LSN) throws(LogError) {
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
