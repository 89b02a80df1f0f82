import Base

/// What recovery found, for the steps after it.
struct Recovered {
  var report: RecoveryReport
  /// The epoch of the log's last record.
  var epoch: UInt32
  /// Everything before this position was durable earlier: a record after it proves that.
  var proven: LSN
}

/// Reads the log once, from the checkpoint to its end, and rolls forward committed transactions.
///
/// Writes nothing to the log: `finalizeTail` does that after everything was found to be sound.
struct Recovery {
  private let segments: SegmentSet
  private let participants: [any Participant]
  private let workers: ReplayWorkers
  private let applied: [LSN]
  private let progress: @Sendable (Int) -> Void
  private let readableEnd: LSN
  private var percentTold = -1
  private var report = RecoveryReport()
  private let account = WindowMemoryBudget()
  /// The intent whose outcome has not been read yet. There is at most one, because a marker directly follows its
  /// intent: if any other record follows, the outcome never comes.
  private var undecided: LogRecord?
  private var epoch: UInt32 = 0
  private var proven = LSN.zero

  private init(
    segments: SegmentSet, participants: [any Participant],
    progress: @escaping @Sendable (Int) -> Void
  ) {
    self.progress = progress
    self.segments = segments
    readableEnd = segments.end
    self.participants = participants
    applied = participants.map { $0.appliedLSNAtOpen }
    workers = ReplayWorkers(participants)
  }

  static func run(
    segments: SegmentSet, control: Control, participants: [any Participant], watermarks: Watermarks,
    progress: @escaping @Sendable (Int) -> Void = { _ in }
  ) throws(LogError) -> Recovered {
    let began = ContinuousClock.now
    var recovery = Recovery(
      segments: segments, participants: participants, progress: progress)
    recovery.report.checkpoint = control.checkpoint
    recovery.report.lastSequence = control.sequence
    recovery.report.segmentCount = segments.count
    let failure: LogError?
    do throws(LogError) {
      try recovery.readAll(from: control, watermarks)
      failure = nil
    } catch {
      failure = error
    }
    // The workers always stop, also on failure: they hold references to participants.
    let finding: Finding?
    do throws(Finding) {
      try recovery.workers.finish()
      finding = nil
    } catch {
      finding = error
    }
    if let failure { throw failure }
    if let finding { throw .corrupted(finding) }
    recovery.report.peakWindowByteCount = recovery.account.peak
    recovery.report.duration = ContinuousClock.now - began
    return Recovered(
      report: recovery.report, epoch: recovery.epoch, proven: recovery.proven)
  }

  private mutating func readAll(
    from control: Control, _ watermarks: Watermarks
  ) throws(LogError) {
    // A killed process may have left bytes that can be read but are not durable. After this sync everything read is
    // durable, so participants may apply it immediately.
    CrashPoint.reached(.recoveryBeforeRead)
    try segments.syncAll()
    CrashPoint.reached(.recoveryAfterSync)
    proven = control.checkpoint
    var reader = LogReader(
      segments, from: control.checkpoint, leastEpoch: control.leastEpoch,
      account: account)
    while let record = try reader.next() {
      report.recordCount += 1
      proven = max(proven, record.header.syncedLSN)
      watermarks.moveDurable(to: reader.position, sequence: report.lastSequence)
      try take(record)
      workers.makeRoom(
        in: account, own: record.window.bytes.count + (undecided?.window.bytes.count ?? 0))
      tellProgress(reader.position)
    }
    try settleUndecided()
    CrashPoint.reached(.recoveryAfterRead)
    report.end = reader.position
    epoch = reader.epoch
    let inspector = TailInspector(segments: segments, end: reader.position, epoch: reader.epoch)
    if let damage = try inspector.damage() { throw .corrupted(damage) }
    report.hasTornTail = try segments.hasRecordHeader(at: reader.position, epoch: reader.epoch)
    for (index, applied) in applied.enumerated() where applied > reader.position {
      throw .corrupted(
        Finding(
          file: segments.device.path, offset: reader.position.rawValue,
          expected: "a log up to LSN \(applied), which participant \(index) has applied",
          found: "the end of the log at LSN \(reader.position)"))
    }
  }

  /// The end of the log is not yet known: the last segment counts as full.
  private mutating func tellProgress(_ position: LSN) {
    let all = max(1, readableEnd.distance(from: report.checkpoint))
    let percent = min(99, position.distance(from: report.checkpoint) * 100 / all)
    guard percent > percentTold else { return }
    percentTold = percent
    progress(percent)
  }

  private mutating func take(_ record: LogRecord) throws(LogError) {
    let transaction = record.header.transaction
    switch record.header.kind {
    case .batch:
      try settleUndecided()
      try settle(.committed(position(in: record)), of: record)
    case .intent:
      try settleUndecided()
      undecided = record
    case .commit:
      guard let intent = takeUndecided(transaction) else {
        throw malformed(record, "the intent of \(transaction) right before its commit marker")
      }
      try settle(.committed(position(in: record)), of: intent)
    case .abort:
      if let intent = takeUndecided(transaction) { try settle(.aborted, of: intent) }
    }
  }

  /// Removes and returns the undecided intent, if it belongs to `transaction`.
  private mutating func takeUndecided(_ transaction: TransactionID) -> LogRecord? {
    guard let intent = undecided, intent.header.transaction == transaction else { return nil }
    undecided = nil
    return intent
  }

  /// Settles an intent that is not followed by its own marker, because of a crash in between.
  private mutating func settleUndecided() throws(LogError) {
    guard let intent = undecided else { return }
    undecided = nil
    if DeliberateBug.rollsForwardInDoubt.isOn {
      let position = CommitPosition(sequence: report.lastSequence + 1, end: intent.header.end)
      return try settle(.committed(position), of: intent)
    }
    try settle(.inDoubt, of: intent)
  }

  private mutating func settle(
    _ outcome: Outcome, of record: LogRecord
  ) throws(LogError) {
    switch outcome {
    case .inDoubt:
      report.presumedAbortedCount += 1
      if report.presumedAborted.count < RecoveryReport.namedCount {
        report.presumedAborted.append(record.header.transaction)
      }
    case .aborted: report.abortedCount += 1
    case .committed(let position):
      report.lastSequence = max(report.lastSequence, position.sequence)
      if try rollForward(record, at: position) {
        report.rolledForwardCount += 1
        if report.rolledForward.count < RecoveryReport.namedCount {
          report.rolledForward.append(record.header.transaction)
        }
      } else {
        report.alreadyAppliedCount += 1
      }
    }
  }

  /// Hands each section to its participant's worker. Returns false if every participant already had its part.
  private func rollForward(
    _ record: LogRecord, at position: CommitPosition
  ) throws(LogError) -> Bool {
    var isOwed = false
    let isSound = record.withPayload { payload in
      var offset = Section.firstOffset
      while offset < payload.byteCount {
        guard let section = Section.parse(payload, at: offset),
          section.participant < applied.count
        else { return false }
        offset = section.range.upperBound
        guard applied[section.participant] < position.end else { continue }
        isOwed = true
        let base = record.payload.lowerBound
        workers.hand(
          ReplayWorkers.Item(
            window: record.window,
            range: base + section.range.lowerBound..<base + section.range.upperBound,
            position: position),
          to: section.participant)
      }
      return true
    }
    guard isSound else {
      throw malformed(record, "valid sections for \(applied.count) participants")
    }
    return isOwed
  }

  private func position(in record: LogRecord) throws(LogError) -> CommitPosition {
    guard record.payload.count >= 8 else { throw malformed(record, "a sequence number") }
    let sequence = record.withPayload { $0.load(at: 0, as: UInt64.self) }
    return CommitPosition(sequence: sequence, end: record.header.end)
  }

  private func malformed(_ record: LogRecord, _ expected: String) -> LogError {
    let lsn = record.header.lsn
    let index = segments.geometry.segment(of: lsn)
    return .corrupted(
      Finding(
        file: segments.file(index)?.path ?? LogGeometry.fileName(of: index),
        offset: UInt64(segments.geometry.fileOffset(of: lsn)), expected: expected,
        found: "a record of kind \(record.header.kind)"))
  }
}
