import Base
import TxnWAL

/// Checks twice whether memory and the log have room for a batch: for its expected size before it is
/// evaluated, so that segments are prepared and few evaluations are in vain; and for its actual size before
/// it is committed. The second check decides: no batch is ordered that does not fit in the prepared segments,
/// and none larger than `uncheckedByteCount` while memory is full.
///
/// So the memtables never hold more than the limit, one batch (`Limits.batchByteCount`), and what was written
/// since their sizes were last added up, 64 KiB of log.
extension Store {
  /// Whether memory and the log have room for a batch of `byteCount` more bytes. If not, ask again when an
  /// observer is notified. Throws `.diskFull` while the disk is full, `.poisoned`, and `.batchTooLarge` for a
  /// batch that can never be admitted.
  ///
  /// - Parameters:
  ///   - onlyDeletes: whether the batch puts nothing. Such a batch is admitted on a full disk too, as long as
  ///     the reserve for it lasts: the end of the log's last segment, and some memory over the limit.
  ///   - isMeasured: whether `byteCount` is from a `.noRoom` of the batch.
  public func tryAdmit(
    byteCount: Int, onlyDeletes: Bool = false, isMeasured: Bool = false
  ) throws(StoreError) -> Bool {
    try checkOpen()
    // Before anything that would make the caller wait: a poisoned log never gets room.
    if coordinator.isPoisoned, let poisoned { throw poisoned }
    if !isMeasured { try Limits.check(recordByteCount: byteCount) }
    guard try hasMemory(onlyDeletes: onlyDeletes) else { return false }
    let framing = isMeasured ? 0 : onlyDeletes ? Self.deleteFramingByteCount : Self.framingByteCount
    do throws(LogError) {
      return try coordinator.hasRoom(
        for: byteCount + framing, appended: coordinator.appended, usingReserve: onlyDeletes)
    } catch {
      // The log can reuse its oldest segments once LMDB has what they hold, and LMDB may have room in its own
      // free pages.
      if error.isDiskFull { coordinator.sequence { _ in upkeep.sealForApply() } }
      throw StoreError(error)
    }
  }

  /// Returns once there is room, as `tryAdmit` defines it. Blocks the calling thread. Traps inside an
  /// evaluation.
  public func admit(
    byteCount: Int, onlyDeletes: Bool = false, isMeasured: Bool = false
  ) throws(StoreError) {
    try admit(
      byteCount: byteCount, onlyDeletes: onlyDeletes, isMeasured: isMeasured, isWanted: { true })
  }

  /// The same, but throws `.cancelled` once `isWanted` returns false.
  func admit(
    byteCount: Int, onlyDeletes: Bool, isMeasured: Bool = false, isWanted: () -> Bool
  ) throws(StoreError) {
    coordinator.requireOutsideSequence()
    try room.wait { () throws(StoreError) in
      if try admitOrSync(byteCount: byteCount, onlyDeletes: onlyDeletes, isMeasured: isMeasured) {
        return true
      }
      guard isWanted() else { throw .cancelled }
      return false
    }
  }

  /// The same without blocking a thread. Throws `.cancelled` if the task is cancelled before there is room.
  public func admit(
    byteCount: Int, onlyDeletes: Bool = false, isMeasured: Bool = false
  ) async throws(StoreError) {
    try await room.waitSuspended { () throws(StoreError) in
      try admitOrSync(byteCount: byteCount, onlyDeletes: onlyDeletes, isMeasured: isMeasured)
    }
  }

  private func admitOrSync(
    byteCount: Int, onlyDeletes: Bool, isMeasured: Bool
  ) throws(StoreError) -> Bool {
    if try tryAdmit(byteCount: byteCount, onlyDeletes: onlyDeletes, isMeasured: isMeasured) {
      return true
    }
    // Perhaps no other thread is syncing what takes up the room.
    coordinator.requestSync()
    return false
  }

  /// For the sequencer, before a commit: whether there is certainly room for what the transaction has
  /// written, so that `hasRoom` need not be called.
  @inline(__always)
  func certainlyHasRoom(toCommit sequencer: borrowing Sequencer, memoryByteCount: Int) -> Bool {
    memoryByteCount <= Self.uncheckedByteCount
      && sequencer.fits(keeping: coordinator.reserveByteCount)
  }

  /// For the sequencer, before a commit: whether the log and memory have room for what the transaction has
  /// actually written. Never waits; if there is none, more segments have been requested.
  @inline(never)
  func hasRoom(
    toCommit sequencer: borrowing Sequencer, memoryByteCount: Int, onlyDeletes: Bool
  ) throws(StoreError) -> Bool {
    if DeliberateBug.admitsByRequest.isOn { return true }
    if memoryByteCount > Self.uncheckedByteCount, try !hasMemory(onlyDeletes: onlyDeletes) {
      return false
    }
    if sequencer.fits(keeping: onlyDeletes ? 0 : coordinator.reserveByteCount) { return true }
    do throws(LogError) {
      return try coordinator.hasRoom(
        for: sequencer.appendedByteCount, appended: coordinator.appended,
        usingReserve: onlyDeletes)
    } catch {
      if error.isDiskFull { upkeep.sealForApply() }
      throw StoreError(error)
    }
  }

  /// Whether memory and the log's buffer are below their limits.
  @inline(__always)
  private func hasMemory(onlyDeletes: Bool) throws(StoreError) -> Bool {
    let isDiskFull = applyWorkers.hasFullDisk
    if isDiskFull, !onlyDeletes, let full = applyWorkers.diskFull { throw full }
    let memoryLimit = isDiskFull ? budget.hardLimitByteCount : budget.byteCount
    // A batch may exceed the limit by itself. Otherwise none of that size could ever be admitted.
    guard budget.inUse < memoryLimit else {
      if isDiskFull, let full = applyWorkers.diskFull { throw full }
      return false
    }
    // In this order: `acknowledged` keeps moving, but never past what had been appended, so this does not
    // underflow.
    let acknowledged = partitionSet.watermarks.acknowledged
    let waiting = coordinator.appended.rawValue - acknowledged.rawValue
    return waiting < Self.unsyncedByteLimit
  }

  /// How much may be in the log's buffer before writers wait.
  private static let unsyncedByteLimit: UInt64 = 32 << 20
  /// An estimate of the record headers and sections that come on top of a batch's own bytes.
  private static let framingByteCount = 64 << 10
  /// Less for a batch that only deletes: the reserve for those in the last segment may not be larger.
  private static let deleteFramingByteCount = 256
  /// How much memory a batch may take, as `Limits` charges it, without being checked a second time.
  private static let uncheckedByteCount = 64 << 10
}
