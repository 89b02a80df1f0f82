import Base

/// The transaction log as a whole: it orders transactions, drives their participants through both
/// phases, makes the decisions durable in groups, and publishes them.
///
/// A thread that has transactions becomes the sequencer for a moment (`sequence`), and afterwards
/// either syncs the log itself (`syncIfIdle`, `waitUntilAcknowledged`) or leaves that to the log
/// writer's thread (`requestSync`). One group is written at a time; meanwhile the next one gathers.
///
/// Its threads keep it alive until `close` is called.
public final class Coordinator: Sendable {
  /// How far things have come.
  public let watermarks: Watermarks
  /// What opening the log found and did.
  public let recoveryReport: RecoveryReport

  private let participants: [any Participant]
  private let segments: SegmentSet
  private let keeper: SegmentKeeper
  private let writer: LogWriter
  private let turn: SequencerTurn

  /// Makes an empty log on `device`, durable on return. Its first batch gets the sequence behind `sequence`.
  public static func create(
    on device: any LogDevice, storeID: StoreID, segmentByteCount: Int, sequence: UInt64 = 0
  ) throws(LogError) {
    try LogOpening.create(
      on: device, storeID: storeID, segmentByteCount: segmentByteCount, sequence: sequence)
  }

  /// Opens the log on `device`, which is that of `storeID`, and recovers.
  ///
  /// On return every participant has been handed everything that was committed. Time and memory
  /// depend on the log since the last checkpoint alone. Throws `.corrupted` where something that was
  /// durable is damaged; then nothing has been changed.
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
    try opening.segments.settleTail(from: recovered.proven, to: recovered.report.end)
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
    keeper = SegmentKeeper(
      segments: segments, control: opening.control, openedAt: report.end, retired: opening.retired,
      changed: { writer.tellObservers() })
    watermarks.moveDurable(to: report.end, sequence: lastSequence)
    watermarks.acknowledge(report.end, publishing: lastSequence)
    DeliberateBug.showFirstPartition(upTo: lastSequence)
    keeper.start()
    writer.start { group in self.takeGroup(into: &group) }
    // A segment ahead from the start: the first writes need not wait for it.
    keeper.demand(upTo: report.end.advanced(by: segments.geometry.capacity))
  }

  /// Syncs what is buffered and ends the threads. Participants must not be used by others any more.
  /// Whatever comes later is refused with `.closed`; so is what still waits.
  public func close() throws(LogError) {
    defer {
      keeper.close()
      writer.close()
    }
    keeper.stopWaiting()
    if poisoned == nil {
      try waitUntilAcknowledged(sequence { $0.appended })
      try writer.syncWritten()
    }
  }

  /// From now on no checkpoint waits for a full disk to get room.
  public func stopWaiting() {
    keeper.stopWaiting()
  }

  // MARK: Transactions

  /// Runs `body` as the sequencer. It must not wait for anything, nor call back in here: that is a trap. A
  /// transaction that it leaves open, by throwing for instance, is cancelled. The sequencer cannot leave it.
  public func sequence<R, E: Error>(
    _ body: (inout Sequencer) throws(E) -> R
  ) throws(E) -> R {
    requireOutsideSequence()
    return try turn.take(body)
  }

  /// Traps on the thread that is the sequencer: what the caller is about to do would wait for that thread
  /// itself, without end.
  public func requireOutsideSequence() {
    if turn.isThisThread {
      fatalError("a store was written to, synced or waited for inside one of its own evaluations")
    }
  }

  /// Why writes are refused, once a write or a sync of the log failed.
  public var poisoned: LogError? { writer.poisoned }

  /// Whether `poisoned` has anything to say.
  public var isPoisoned: Bool { writer.hasFailed }

  /// Refuses writes from now on, because a participant's own storage cannot be trusted any more.
  public func poison(because reason: String) {
    writer.poison(.poisoned(because: reason))
    keeper.wake()
  }

  /// Whether there is room for `byteCount` more bytes of log. False: observers are told when there
  /// may be. Throws `.diskFull` where the next segment could not be made, and when poisoned.
  ///
  /// - Parameter usingReserve: whether the end of the last segment may be used too, which is kept for
  ///   transactions that let room become free.
  public func hasRoom(
    for byteCount: Int, appended: LSN, usingReserve: Bool = true
  ) throws(LogError) -> Bool {
    if isPoisoned, let poisoned { throw poisoned }
    // A segment is asked for when the last one is entered, not when it is full.
    let need = appended.advanced(by: byteCount)
    let ahead = need.advanced(by: segments.geometry.capacity / 2)
    if ahead > segments.end { keeper.demand(upTo: ahead) }
    let reserve = usingReserve ? 0 : segments.geometry.reserveByteCount
    if need.advanced(by: reserve) <= segments.end { return true }
    if let failure = keeper.currentFailure { throw failure }
    return false
  }

  /// What of the last segment's end is kept for transactions that let room become free.
  public var reserveByteCount: Int { segments.geometry.reserveByteCount }

  /// Whether the log has come to what is kept of its last segment, and the disk has no room for another.
  public var isOutOfSegments: Bool {
    let reserve = segments.geometry.reserveByteCount
    if appended.advanced(by: reserve) <= segments.end { return false }
    return keeper.currentFailure?.isDiskFull == true
  }

  /// The position behind everything that was appended.
  public var appended: LSN { watermarks.appended }

  // MARK: Durability

  /// Writes, syncs and publishes all that is buffered, on this thread. False if another thread is
  /// writing: what is buffered follows right after, on the log writer's thread.
  @discardableResult
  public func syncIfIdle() throws(LogError) -> Bool {
    requireOutsideSequence()
    return try writer.syncIfIdle()
  }

  /// The same on the log writer's thread; returns at once.
  public func requestSync() {
    writer.requestSync()
  }

  /// Returns once everything before `lsn` is acknowledged, as the durability in force has it.
  public func waitUntilAcknowledged(_ lsn: LSN) throws(LogError) {
    requireOutsideSequence()
    try writer.waitUntilAcknowledged(lsn)
  }

  /// Returns once everything before `lsn` is durable.
  public func waitUntilDurable(_ lsn: LSN) throws(LogError) {
    try waitUntilAcknowledged(lsn)
    if watermarks.durable < lsn { try writer.syncWritten() }
  }

  /// The same as `waitUntilAcknowledged` without holding a thread.
  public func acknowledged(_ lsn: LSN) async throws(LogError) {
    try await writer.acknowledged(lsn)
  }

  /// `notify` is called, from any thread, whenever the watermarks moved, there is more room, or the
  /// log was poisoned. It must not block.
  public func observe(_ notify: @escaping @Sendable () -> Void) {
    writer.observe(notify)
  }

  /// Calls the observers, for something that happened outside the log.
  public func tellObservers() {
    writer.tellObservers()
  }

  // MARK: Checkpoints

  /// Lets go of the log before the least position that every participant has applied.
  ///
  /// Durable on return if `waiting`; otherwise some time after, and only once it frees a segment.
  public func checkpoint(waiting: Bool) throws(LogError) {
    if waiting { requireOutsideSequence() }
    // Read before the participants are asked: what comes to one after its answer lies behind it.
    let durable = watermarks.durable
    // Of what is durable: a sequence that a power cut takes back must not be counted from.
    let sequence = watermarks.durableSequence
    let all = participants.map { $0.appliedLSN(durable: durable) }
    let isEarly = DeliberateBug.recyclesSegmentsEarly.isOn
    let applied = (isEarly ? all.max() : all.min()) ?? durable
    try keeper.moveCheckpoint(to: min(applied, durable), sequence: sequence, waiting: waiting)
  }

  /// Where recovery would begin now.
  public var checkpoint: LSN { keeper.checkpoint }

  /// The segments in use and the bytes that they take.
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
