import Base
import TxnWAL

/// Room in memory and in the log for a batch, twice: for what it is expected to take, before it is evaluated, so
/// that segments are made ready and little is evaluated in vain; and for what it takes in fact, before it is
/// committed. The second is what counts: no batch is ordered that the prepared segments have no room
/// for, and none of more than `uncheckedByteCount` while memory is full.
///
/// So the memtables never hold more than the limit, one batch (`Limits.batchByteCount`), and what was written since
/// their sizes were last added up, 64 KiB of log.
extension Store {
  /// Whether memory and log have room for a batch of `byteCount` more bytes. Where not, ask again when
  /// an observer was told. Throws `.diskFull` while the disk is full, `.poisoned`, and `.batchTooLarge`
  /// for what can never be admitted.
  ///
  /// - Parameters:
  ///   - onlyDeletes: the batch puts nothing. Such a one is admitted on a full disk too, as long as
  ///     what is kept for it lasts: the end of the log's last segment, and some memory over the limit.
  ///   - isMeasured: `byteCount` is what `.noRoom` has told of the batch.
  public func tryAdmit(
    byteCount: Int, onlyDeletes: Bool = false, isMeasured: Bool = false
  ) throws(StoreError) -> Bool {
    try checkOpen()
    // Before anything that would have the caller wait: with a poisoned log no room is ever made.
    if coordinator.isPoisoned, let poisoned { throw poisoned }
    if !isMeasured { try Limits.check(recordByteCount: byteCount) }
    guard try hasMemory(onlyDeletes: onlyDeletes) else { return false }
    let framing = isMeasured ? 0 : onlyDeletes ? Self.deleteFramingByteCount : Self.framingByteCount
    do throws(LogError) {
      return try coordinator.hasRoom(
        for: byteCount + framing, appended: coordinator.appended, usingReserve: onlyDeletes)
    } catch {
      // The log can be written again from its beginning once LMDB has what stands there, which may have
      // room in its own free pages.
      if error.isDiskFull { coordinator.sequence { _ in upkeep.sendDown() } }
      throw StoreError(error)
    }
  }

  /// Returns once there is room as `tryAdmit` has it. Waits on the caller's thread, which must not be in an
  /// evaluation: that is a trap.
  public func admit(
    byteCount: Int, onlyDeletes: Bool = false, isMeasured: Bool = false
  ) throws(StoreError) {
    try admit(
      byteCount: byteCount, onlyDeletes: onlyDeletes, isMeasured: isMeasured, isWanted: { true })
  }

  /// The same until `isWanted` is false: then `.cancelled` is thrown.
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

  /// The same without holding a thread. Throws `.cancelled` where the task is cancelled before there is room.
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
    // Nobody else may be syncing what stands in the way.
    coordinator.requestSync()
    return false
  }

  /// As the sequencer, before a commit: whether there is room for what the transaction has written in any case, so that
  /// nothing else has to be asked.
  @inline(__always)
  func hasPlentyOfRoom(toCommit sequencer: borrowing Sequencer, memoryByteCount: Int) -> Bool {
    memoryByteCount <= Self.uncheckedByteCount
      && sequencer.fits(keeping: coordinator.reserveByteCount)
  }

  /// As the sequencer, before a commit: whether there is room for what the transaction has written in fact, in
  /// the log and in memory. Waits for nothing; where there is none, more segments have been asked for.
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
      if error.isDiskFull { upkeep.sendDown() }
      throw StoreError(error)
    }
  }

  /// Whether memory is below its limit, and the log's buffer.
  @inline(__always)
  private func hasMemory(onlyDeletes: Bool) throws(StoreError) -> Bool {
    let isDiskFull = applyWorkers.hasFullDisk
    if isDiskFull, !onlyDeletes, let full = applyWorkers.diskFull { throw full }
    let memoryLimit = isDiskFull ? budget.strainedByteCount : budget.byteCount
    // A batch may pass the limit by itself, or none of that size could ever be admitted.
    guard budget.inUse < memoryLimit else {
      if isDiskFull, let full = applyWorkers.diskFull { throw full }
      return false
    }
    // In this order: what is acknowledged goes on moving, and never past what was appended before.
    let acknowledged = keyspace.watermarks.acknowledged
    let waiting = coordinator.appended.rawValue - acknowledged.rawValue
    return waiting < Self.unsyncedByteLimit
  }

  /// What may be in the log's buffer before writers wait.
  private static let unsyncedByteLimit: UInt64 = 32 << 20
  /// Room for record headers and sections beside a batch's own bytes, as they are expected.
  private static let framingByteCount = 64 << 10
  /// Less for a batch that only deletes: what is kept of the last segment for those may not be more.
  private static let deleteFramingByteCount = 256
  /// What a batch may take in memory, as `Limits` charges it, without being asked about it twice.
  private static let uncheckedByteCount = 64 << 10
}
