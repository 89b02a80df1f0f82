import TxnWAL

/// Cutting a store's log before its damage, where no partition is further on already.
public struct StoreTruncation {
  /// What the cut gives up.
  public let log: LogTruncation
  private let inspection: StoreInspection

  /// Looks what a cut at `lsn` gives up, changing nothing. Throws `.corrupted` where no record begins
  /// there, and where a partition has applied what would be cut: then only salvage helps.
  public init(of inspection: StoreInspection, at lsn: UInt64) throws(StoreError) {
    self.inspection = inspection
    for index in 0..<inspection.partitionCount {
      let applied = try inspection.partition(index).appliedLSN
      guard applied <= lsn else {
        throw .invalidOption(
          "partition \(index) has applied the log up to LSN \(applied) already, so it cannot be cut "
            + "at \(lsn): use --salvage")
      }
    }
    let device = DirectoryDevice(readingAt: StoreOpening.logPath(in: inspection.path))
    do throws(LogError) {
      log = try LogTruncation(
        at: LSN(rawValue: lsn), on: device, storeID: inspection.manifest.storeID)
    } catch {
      throw StoreError(error)
    }
  }

  /// Cuts, with a copy of every changed segment beside it. Durable on return.
  public func carryOut() throws(StoreError) {
    let lock = try DirectoryLock(directory: inspection.path)
    defer { lock.release() }
    try translatingLogErrors { () throws(LogError) in
      try log.carryOut(on: try DirectoryDevice(path: StoreOpening.logPath(in: inspection.path)))
    }
  }
}
