/// Where a `LogReader` finds the log's bytes.
protocol LogSource {
  var geometry: LogGeometry { get }
  var storeID: StoreID { get }
  /// Nothing is read from here on.
  var end: LSN { get }
  /// Appends the log's bytes from `start` up to `end`, which must not be after this source's end.
  func read(into bytes: inout [UInt8], from start: LSN, upTo end: LSN) throws(LogError)
}

extension SegmentSet: LogSource {}
