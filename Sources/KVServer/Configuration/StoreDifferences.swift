import KVStore

extension ServerOptions {
  /// Log lines about options that differ from those the store was created with and that it keeps.
  public func differences(from report: OpenReport) -> [String] {
    var lines: [String] = []
    func compare(_ name: String, _ wanted: Int, _ found: Int) {
      guard givenNames.contains(name), wanted != found else { return }
      lines.append(
        "'\(name)' is \(wanted), but the store was created with \(found) and keeps it: to change it, copy the data "
          + "to a new store")
    }
    compare("partitions", store.partitionCount, report.partitionCount)
    compare("segment", store.segmentByteCount, report.segmentByteCount)
    return lines
  }
}
