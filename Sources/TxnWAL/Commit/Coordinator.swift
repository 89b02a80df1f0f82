import Base

/// The transaction log as a whole: orders transactions, drives their participants through both phases, makes the
/// decisions durable in groups, and publishes them.
///
/// A thread with transactions becomes the sequencer for a moment (`sequence`). Afterwards it either syncs the log
/// itself (`syncIfIdle`, `waitUntilAcknowledged`) or leaves that to the log writer's thread (`requestSync`). One
/// group is written at a time, while the next one gathers.
///
/// Its threads keep the coordinator alive until `close` is called.
public final class Coordinator: Sendable {
  /// The log's watermarks.
  public let watermarks: Watermarks
  /// What recovery found and did when the log was opened.
  public let recoveryReport: RecoveryReport
  /// Holds, which keep segments that the participants no longer need, and the cursors that read them.
  public let retention: Retention

  private let participants: [any Participant]
  private let segments: SegmentSet
  private let keeper: SegmentKeeper
  private let writer: LogWriter
  private let turn: SequencerTurn

  /// Creates an empty log on `device`, durable on return. The sequence of its first batch follows `sequence`.
  public static func create(
    on device: any LogDevice, storeID: StoreID, segmentByteCount: Int, sequence: UInt64 = 0
  ) throws(LogError) {
    try LogOpening.create(
      on: device, storeID: storeID, segmentByteCount: segmentByteCount, sequence: sequence)
  }

  /// Opens the log of the store `storeID` on `device`, and recovers.
  ///
  /// On return every participant has received everything that was committed. Time and memory depend only on the log
  /// since the last checkpoint. Throws `.corrupted` if data that was durable is damaged; then nothing has been
  /// changed.
  public static func open(
    on device: any LogDevice, storeID: StoreID, participants: [any Participant],
    options: CoordinatorOptions = CoordinatorOptions()
  ) throws(LogError) -> Coordinator {
    if options.createsIfMissing, try !LogOpening.exists(on: device) {
      try LogOpening.create(
        on: device, storeID: storeID, segmentByteCount: options.segmentByteCount)
    }
    let opening = try LogOpening.open(on: device, storeID: storeID)
    let recovered = try Recovery.run(
      segments: opening.segments, control: opening.control.control, participants: participants,
      watermarks: options.watermarks, progress: options.recoveryProgress)
    try opening.segments.finalizeTail(from: recovered.proven, to: recovered.report.end)
    let sequence = try opening.begin(after: recovered, options.durability)
    return Coordinator(
      opening, recovered.report, lastSequence: sequence, participants, options)
  }

  private init(
    _ opening: LogOpening, _ report: RecoveryReport, lastSequence: UInt64,
    _ participants: [any Participant], _ options: CoordinatorOptions
  ) {
    watermarks = options.watermarks
    recoveryReport = report
    self.participants = participants
    segments = opening.segments
    turn = SequencerTurn(
      Sequencer(
        participants: participants, segments: segments, epoch: opening.control.control.epoch,
        start: report.end, lastSequence: lastSequence, durability: options.durability,
        watermarks: watermarks))
    let writer = LogWriter(
      segments: segments, durability: options.durability, watermarks: watermarks)
    self.writer = writer
    let holds = opening.holdTable(
      end: report.end, byteLimit: options.retention.byteLimit)
    keeper = SegmentKeeper(
      segments: segments, control: opening.control, openedAt: report.end,
      recycler: SegmentRecycler(
        segments: segments, old: opening.old,
        holds: HoldKeeping(table: holds, segments: segments, options: options.retention)),
      changed: { writer.notifyObservers() })
    retention = Retention(
      segments: segments, keeper: keeper, table: holds, turn: turn, progress: writer.progress)
    watermarks.moveDurable(to: report.end, sequence: lastSequence)
    watermarks.acknowledge(report.end, publishing: lastSequence)
    DeliberateBug.showFirstPartition(upTo: lastSequence)
    keeper.start()
    writer.start { group in self.takeGroup(into: &group) }
    // Prepare one segment ahead at once, so that the first writes need not wait for it.
    keeper.demand(upTo: report.end.advanced(by: segments.geometry.capacity))
  }

  /// Syncs what is buffered and stops the threads. No other thread may use the participants any more. Later calls
  /// and remaining waiters are refused with `.closed`.
  public func close() throws(LogError) {
    defer {
      retention.close()
      keeper.close()
      writer.close()
    }
    keeper.stopWaiting()
    if poisoned == nil {
      try waitUntilAcknowledged(sequence { $0.appended })
      try writer.syncWritten()
    }
  }

  /// After this call no checkpoint waits for space on a full disk.
  public func stopWaiting() {
    keeper.stopWaiting()
  }

  // MARK: Transactions

  /// Runs `body` as the sequencer. `body` must not wait for anything, and must not call the coordinator again: that
  /// traps. A transaction that it leaves open, for example by throwing, is cancelled. The sequencer cannot escape
  /// `body`.
  public func sequence<R, E: Error>(
    _ body: (inout Sequencer) throws(E) -> R
  ) throws(E) -> R {
    requireOutsideSequence()
    return try turn.take(body)
  }

  /// Traps if the calling thread is the sequencer: the caller is about to wait, and would wait for itself forever.
  public func requireOutsideSequence() { turn.requireOutside() }

  /// Why writes are refused, after a write or sync of the log failed; otherwise nil.
  public var poisoned: LogError? { writer.poisoned }

  /// Whether `poisoned` is non-nil.
  public var isPoisoned: Bool { writer.hasFailed }

  /// Refuses all further writes, because a participant's own storage cannot be trusted any more.
  public func poison(because reason: String) {
    writer.poison(.poisoned(because: reason))
    keeper.wake()
  }

  /// Whether there is room for `byteCount` more bytes of log. If not, observers are called when there may be.
  /// Throws `.diskFull` if the next segment could not be created, and throws if the log is poisoned.
  ///
  /// - Parameter usingReserve: whether the end of the last segment may be used, which is reserved for transactions
  ///   that free space.
  public func hasRoom(
    for byteCount: Int, appended: LSN, usingReserve: Bool = true
  ) throws(LogError) -> Bool {
    if isPoisoned, let poisoned { throw poisoned }
    // The next segment is requested when half of the last one is used, not when it is full.
    let need = appended.advanced(by: byteCount)
    let ahead = need.advanced(by: segments.geometry.capacity / 2)
    if ahead > segments.end { keeper.demand(upTo: ahead) }
    let reserve = usingReserve ? 0 : segments.geometry.reserveByteCount
    if need.advanced(by: reserve) <= segments.end { return true }
    if let failure = keeper.currentFailure { throw failure }
    return false
  }

  /// How much of the last segment's end is reserved for transactions that free space.
  public var reserveByteCount: Int { segments.geometry.reserveByteCount }

  /// Whether the log has reached the reserved end of its last segment and the disk has no room for another one.
  public var isOutOfSegments: Bool {
    let reserve = segments.geometry.reserveByteCount
    if appended.advanced(by: reserve) <= segments.end { return false }
    return keeper.currentFailure?.isDiskFull == true
  }

  /// The LSN just after everything appended.
  public var appended: LSN { watermarks.appended }

  // MARK: Durability

  /// Writes, syncs and publishes everything buffered, on this thread. Returns false if another thread is writing:
  /// then the log writer's thread does it right afterwards.
  @discardableResult
  public func syncIfIdle() throws(LogError) -> Bool {
    requireOutsideSequence()
    return try writer.syncIfIdle()
  }

  /// Requests the same from the log writer's thread. Returns at once.
  public func requestSync() {
    writer.requestSync()
  }

  /// Waits until everything before `lsn` is acknowledged under the current durability mode.
  public func waitUntilAcknowledged(_ lsn: LSN) throws(LogError) {
    requireOutsideSequence()
    try writer.waitUntilAcknowledged(lsn)
  }

  /// Waits until everything before `lsn` is durable.
  public func waitUntilDurable(_ lsn: LSN) throws(LogError) {
    try waitUntilAcknowledged(lsn)
    if watermarks.durable < lsn { try writer.syncWritten() }
  }

  /// Like `waitUntilAcknowledged`, without blocking a thread.
  public func acknowledged(_ lsn: LSN) async throws(LogError) {
    try await writer.acknowledged(lsn)
  }

  /// Registers `notify` to be called, on any thread, whenever watermarks have moved, space has become available or
  /// the log was poisoned. It must not block.
  public func observe(_ notify: @escaping @Sendable () -> Void) {
    writer.observe(notify)
  }

  /// Calls the observers because of an event outside the log.
  public func notifyObservers() {
    writer.notifyObservers()
  }

  // MARK: Checkpoints

  /// Releases the log before the least position that every participant has applied.
  ///
  /// If `waiting`, the checkpoint is durable on return. Otherwise it becomes durable some time later, and only once
  /// it frees a segment.
  public func checkpoint(waiting: Bool) throws(LogError) {
    if waiting { requireOutsideSequence() }
    // Read before asking the participants: what a participant receives after its answer lies after this position.
    let durable = watermarks.durable
    // A durable sequence, because a power cut must not take back the sequence of a checkpoint.
    let sequence = watermarks.durableSequence
    let all = participants.map { $0.appliedLSN(durable: durable) }
    let isEarly = DeliberateBug.recyclesSegmentsEarly.isOn
    let applied = (isEarly ? all.max() : all.min()) ?? durable
    try keeper.moveCheckpoint(to: min(applied, durable), sequence: sequence, waiting: waiting)
  }

  /// Where recovery would begin.
  public var checkpoint: LSN { keeper.checkpoint }

  /// The number of segments in use. Those that are kept for holds alone are not counted.
  public var segmentCount: Int { segments.count }

  /// The length of every segment file in bytes.
  public var segmentByteCount: Int { segments.geometry.segmentByteCount }

  private func takeGroup(into group: inout LogGroup) {
    turn.take { sequencer in
      group.buffer.reset(start: sequencer.buffer.end)
      swap(&group.buffer, &sequencer.buffer)
      group.lastSequence = sequencer.lastSequence
      sequencer.onGroupTaken()
    }
  }
}
