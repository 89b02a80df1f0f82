import Base

/// What is kept of the log beyond what the store itself needs, and the cursors that read it.
///
/// A *hold* keeps the log from a position on, for a change feed, a standby or a back-up. It is named and survives
/// restarts, or it is temporary and lives as long as an object. A hold cannot fill the disk: it is bounded in bytes
/// (`RetentionOptions`), and beyond that its policy decides whether it is lost or whether appends fail.
///
/// Every method may be called from any thread. Those that wait for the disk trap inside `Coordinator.sequence`.
public final class Retention: Sendable {
  let progress: DurableProgress
  private let segments: SegmentSet
  private let keeper: SegmentKeeper
  private let table: HoldTable
  private let turn: SequencerTurn
  /// Where the files are read for tasks.
  let readThread = TaskThread(name: "kvd-cursor")

  init(
    segments: SegmentSet, keeper: SegmentKeeper, table: HoldTable, turn: SequencerTurn,
    progress: DurableProgress
  ) {
    self.segments = segments
    self.keeper = keeper
    self.table = table
    self.turn = turn
    self.progress = progress
  }

  /// Makes durable how far the holds were advanced, and stops the thread. The holds of a log that is closed keep it
  /// until the next opening, which finds the named ones again.
  func close() {
    // A failure makes the next opening begin at older positions, whose segments are there.
    if !table.isSaved { try? keeper.saveHolds() }
    readThread.close()
  }

  // MARK: Holds

  /// Keeps the log from `start` on, under `name`, until the hold is advanced or released. The hold is durable on return.
  ///
  /// - Parameters:
  ///   - name: 1 to 64 bytes of `0-9A-Za-z._-`. No other named hold may have it. There are at most 256.
  ///   - policy: what happens when the hold would keep more than `RetentionOptions.byteLimit`.
  ///
  /// Throws `.notKept` if the log at `start` is gone, `.notABatch` if no batch begins there, `.invalidHold` for a name
  /// that is malformed or taken, or if there are too many holds, and `.io` or `.diskFull` if the file of holds could not
  /// be written.
  public func hold(
    from start: LogStart, by name: String, policy: HoldPolicy = .invalidate
  ) throws(LogError) -> LogHold {
    let held = try add(name, from: start, isTemporary: false, policy: policy)
    do throws(LogError) {
      try keeper.saveHolds()
    } catch {
      drop(held, mayBeInFile: true)
      throw error
    }
    return LogHold(held, self)
  }

  /// Keeps the log from `start` on as long as the returned object lives, in this process only. Such a hold is always
  /// lost rather than stopping appends. Several may have one name, which operators see.
  ///
  /// Throws as `hold(from:by:policy:)`, except for what has to do with the file.
  public func holdTemporarily(from start: LogStart, by name: String) throws(LogError) -> LogHold {
    LogHold(try add(name, from: start, isTemporary: true, policy: .invalidate), self)
  }

  /// The named hold, made earlier or before the last restart; nil if there is none. It may be lost (`LogHold.check`).
  public func hold(named name: String) -> LogHold? {
    table.find(name).map { LogHold($0, self) }
  }

  private func add(
    _ name: String, from start: LogStart, isTemporary: Bool, policy: HoldPolicy
  ) throws(LogError) -> HeldPosition {
    turn.requireOutside()
    if progress.isClosed { throw .closed }
    let held = try table.add(
      name, from: start, isTemporary: isTemporary, policy: policy, durable: { progress.durable })
    do throws(LogError) {
      if case .at = start {
        var reader = BatchReader(makeLog(), from: held.position)
        try reader.checkFirst()
      }
    } catch {
      drop(held, mayBeInFile: !isTemporary)
      throw error
    }
    return held
  }

  /// Ends a hold, in memory; the keeper writes the file again if it may have the hold.
  func drop(_ held: HeldPosition, mayBeInFile: Bool = false) {
    table.remove(held, mayBeInFile: mayBeInFile)
    keeper.holdsMoved()
  }

  func release(_ held: HeldPosition) throws(LogError) {
    turn.requireOutside()
    if !held.isTemporary {
      guard table.find(held.name) === held else { return try held.check() }
      table.setLeaving(held, true)
      do throws(LogError) {
        try keeper.saveHolds()
      } catch {
        table.setLeaving(held, false)
        throw error
      }
    }
    drop(held)
  }

  /// A hold was advanced. If that may free segments, the keeper finds out.
  @inline(__always)
  func advanced(from before: LSN, to lsn: LSN) {
    let geometry = segments.geometry
    if lsn > before, geometry.segment(of: lsn) > geometry.segment(of: before) {
      keeper.holdsMoved()
    }
  }

  // MARK: Cursors

  /// A cursor at `start`, with a temporary hold of that name that keeps the log from the cursor's position on.
  ///
  /// Throws as `holdTemporarily(from:by:)`.
  public func cursor(
    from start: LogStart, by name: String = "cursor"
  ) throws(LogError) -> LogCursor {
    let hold = try holdTemporarily(from: start, by: name)
    return LogCursor(self, makeLog(), from: hold.position, hold: hold, advancesHold: true)
  }

  /// A cursor at the position of `hold`, which keeps the log for it. The cursor does not advance the hold: its owner
  /// does, once it no longer needs to read a batch again. Throws as `LogHold.check`.
  public func cursor(of hold: LogHold) throws(LogError) -> LogCursor {
    try hold.check()
    return LogCursor(self, makeLog(), from: hold.position, hold: hold, advancesHold: false)
  }

  /// A cursor at `start` that keeps nothing. If it falls behind, `LogCursor.next` throws `.notKept`.
  public func cursorWithoutHold(from start: LogStart) throws(LogError) -> LogCursor {
    // Keeps the log until the first position is checked.
    let hold = try holdTemporarily(from: start, by: "cursor")
    return LogCursor(self, makeLog(), from: hold.position, hold: nil, advancesHold: false)
  }

  private func makeLog() -> KeptLog {
    KeptLog(segments: segments, holds: table, progress: progress)
  }

  /// Traps if the calling thread is the sequencer: it would wait for itself.
  func requireOutsideSequence() { turn.requireOutside() }

  // MARK: Figures

  /// All holds, lost ones included, in the order in which they were made.
  public var holds: [HoldSummary] { table.summaries() }

  /// The oldest position from which the log can be read.
  public var oldest: LSN { table.oldest }

  /// Figures for operators. O(holds).
  public var statistics: RetentionStatistics {
    let holds = holds
    let inForce = holds.filter { $0.loss == nil }
    var statistics = RetentionStatistics()
    statistics.heldByteCount = table.heldByteCount
    statistics.holdCount = inForce.count
    statistics.lostHoldCount = holds.count - inForce.count
    statistics.oldestHold = inForce.min { $0.position < $1.position }
    statistics.oldestLSN = table.oldest
    statistics.byteLimit = table.byteLimit
    statistics.saveFailure = keeper.currentSaveFailure
    return statistics
  }
}
