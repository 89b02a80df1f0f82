import Base
import TxnWAL

/// Cuts a store's log before its damage, if no partition has applied anything beyond the cut.
public struct StoreTruncation {
  /// What the cut discards.
  public let log: LogTruncation
  private let inspection: StoreInspection

  /// Finds out what a cut at `lsn` would discard. Changes nothing. Throws `.corrupted` if no record begins
  /// there, and `.invalidOption` if a partition has applied what would be cut: then only salvage helps.
  public init(of inspection: StoreInspection, at lsn: UInt64) throws(StoreError) {
    try self.init(of: inspection, at: lsn, access: nil)
  }

  private init(
    of inspection: StoreInspection, at lsn: UInt64, access: LMDBAccess?
  ) throws(StoreError) {
    self.inspection = inspection
    for index in 0..<inspection.partitionCount {
      let applied = try inspection.partition(index, access).appliedLSN
      guard applied <= lsn else {
        throw .invalidOption(
          "partition \(index) has already applied the log up to LSN \(applied), so the log cannot be cut "
            + "at LSN \(lsn): use --salvage")
      }
    }
    let path = StoreOpening.logPath(in: inspection.path)
    try Files.checkFolder(path, in: inspection.path)
    do throws(LogError) {
      log = try LogTruncation(
        at: LSN(rawValue: lsn), on: DirectoryDevice(readingAt: path),
        storeID: inspection.manifest.storeID)
    } catch {
      throw StoreError(error)
    }
  }

  /// Cuts the log, and leaves a copy of every changed segment beside it. Durable on return.
  ///
  /// No store can be open meanwhile, whatever happens to LOCK. Everything is checked again, because one may
  /// have been open since the first check.
  ///
  /// - Throws: `.locked` if a store is open; `.invalidOption` if the cut would discard something else by now.
  public func carryOut() throws(StoreError) {
    let path = inspection.path
    let directory = try DirectoryLock(directory: path)
    defer { directory.release() }
    let files = try DataFileLocks(.exclusive, of: inspection.manifest, in: path)
    defer { files.release() }
    let now = try Self(of: inspection, at: log.lsn.rawValue, access: .held)
    guard now.log.givesUp(sameAs: log) else {
      throw .invalidOption(
        "the log of \(path) has been written to since the losses of a cut at LSN \(log.lsn) were listed: run "
          + "the command again")
    }
    try translatingLogErrors { () throws(LogError) in
      try now.log.carryOut(on: try DirectoryDevice(path: StoreOpening.logPath(in: path)))
    }
  }
}
