import Base

/// Prepares segments ahead of the log, and recycles those no longer needed.
///
/// Runs on its own thread, because both tasks wait for the disk: no other thread ever fills a segment with zeros or
/// waits for that. Once the log is open, only this thread writes the control file and the file of holds. The order of
/// its steps makes a crash between any two of them harmless:
///
/// - A segment is renamed into place only after its header and zeros are durable. It is in use only once the
///   control file, written after that, names it as the last one.
/// - A checkpoint is durable in the control file before any segment before it is touched.
/// - A position that a hold was advanced to is durable in the file of holds before any segment before it is touched.
///
/// Sound as `@unchecked Sendable`: `control`, `recycler` and `pause` belong to the keeper's thread once it runs; the rest
/// is accessed only inside `monitor`.
final class SegmentKeeper: @unchecked Sendable {
  private static let temporaryName = "segment.tmp"

  private let segments: SegmentSet
  private let control: ControlFile
  /// Everything from here on was written in the epoch that the control file names.
  private let openedAt: LSN
  private let monitor = Monitor()
  private var thread: WorkerThread?

  /// Pause after the disk ran out of space for a segment although it had reported enough. Keeper's thread only.
  private var pause = RetryPause()
  private var recycler: SegmentRecycler
  private var demanded: LSN
  private var wantedCheckpoint: (lsn: LSN, sequence: UInt64)
  private var forcedCheckpoints = 0
  private var finishedCheckpoints = 0
  /// The number of checkpoints that failed.
  private var failedCheckpoints = 0
  private var failure: LogError?
  /// Whether holds have changed in a way that may free segments.
  private var haveHoldsMoved = false
  private var requestedSaves = 0
  private var finishedSaves = 0
  private var saveFailure: LogError?
  private var isEnding = false
  private var isClosing = false
  private var hasStopped = false
  /// Called on the keeper's thread whenever space has changed or an operation has failed.
  private let changed: @Sendable () -> Void

  init(
    segments: SegmentSet, control: ControlFile, openedAt: LSN, recycler: SegmentRecycler,
    changed: @escaping @Sendable () -> Void
  ) {
    self.segments = segments
    self.control = control
    self.openedAt = openedAt
    self.recycler = recycler
    self.changed = changed
    // Limits may have changed since the last opening.
    haveHoldsMoved = recycler.isHolding
    demanded = segments.end
    wantedCheckpoint = (control.control.checkpoint, control.control.sequence)
    durableCheckpoint = control.control.checkpoint
  }

  func start() {
    thread = WorkerThread(name: "kvd-segments") { self.run() }
  }

  /// After this call no checkpoint waits for space on a full disk.
  func stopWaiting() {
    monitor.withLock {
      isEnding = true
      monitor.broadcast()
    }
  }

  /// Makes the callers that wait for a checkpoint check again whether to wait.
  func wake() {
    monitor.withLock { monitor.broadcast() }
  }

  /// Finishes the current work and stops the thread.
  func close() {
    monitor.withLock {
      isEnding = true
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
  }

  /// The durable checkpoint, where recovery would begin.
  var checkpoint: LSN { monitor.withLock { durableCheckpoint } }
  private var durableCheckpoint: LSN

  /// Why the next segment could not be created, if that failed.
  var currentFailure: LogError? { monitor.withLock { failure } }

  /// Requests segments up to at least `lsn`.
  func demand(upTo lsn: LSN) {
    monitor.withLock {
      guard lsn > demanded else { return }
      demanded = lsn
      monitor.broadcast()
    }
  }

  /// Moves the checkpoint to `lsn`; no batch before it has a sequence greater than `sequence`. If `waiting`, the
  /// checkpoint is durable on return; otherwise it is written only once it frees a segment.
  func moveCheckpoint(to lsn: LSN, sequence: UInt64, waiting: Bool) throws(LogError) {
    try monitor.withLock { () throws(LogError) in
      if lsn >= wantedCheckpoint.lsn { wantedCheckpoint = (lsn, sequence) }
      monitor.broadcast()
      guard waiting else { return }
      forcedCheckpoints += 1
      let mine = forcedCheckpoints
      let failedBefore = failedCheckpoints
      while finishedCheckpoints < mine {
        // A segment for which there was no room says nothing about the checkpoint.
        if let failure, !failure.isOutOfRoom || (isEnding && failedCheckpoints > failedBefore) {
          throw failure
        }
        if isClosing { throw LogError.closed }
        monitor.wait()
      }
    }
  }

  // MARK: Holds

  /// Holds were advanced, released or lost: perhaps segments can be recycled.
  func holdsMoved() {
    monitor.withLock {
      haveHoldsMoved = true
      monitor.broadcast()
    }
  }

  /// Writes the file of holds. Durable on return.
  func saveHolds() throws(LogError) {
    try monitor.withLock { () throws(LogError) in
      requestedSaves += 1
      let mine = requestedSaves
      monitor.broadcast()
      while finishedSaves < mine {
        if hasStopped { throw LogError.closed }
        monitor.wait()
      }
      if let saveFailure { throw saveFailure }
    }
  }

  /// Why the file of holds could not be written the last time.
  var currentSaveFailure: LogError? { monitor.withLock { saveFailure } }

  // MARK: Thread

  private enum Step {
    case saveHolds(covering: Int)
    case recycle
    case prepare
    case checkpoint(LSN, UInt64, covering: Int)
    case stop
  }

  private func run() {
    while true {
      let step = monitor.withLock { nextStep() }
      do throws(LogError) {
        switch step {
        case .stop: return
        case .saveHolds(let covered):
          recycler.holds.save()
          noteSave(covering: covered)
          continue
        case .recycle:
          // If nothing became free, a segment that could not be made still cannot be.
          guard try recycle() else { continue }
        case .prepare: try prepareSegment()
        case .checkpoint(let lsn, let sequence, let covered):
          try takeCheckpoint(lsn, sequence, covering: covered)
        }
        monitor.withLock {
          failure = nil
          monitor.broadcast()
        }
      } catch {
        monitor.withLock {
          failure = error
          if case .checkpoint = step { failedCheckpoints += 1 }
          monitor.broadcast()
        }
      }
      changed()
    }
  }

  /// The next step. Waits inside the monitor until there is one.
  private func nextStep() -> Step {
    while true {
      if requestedSaves > finishedSaves { return .saveHolds(covering: requestedSaves) }
      if let failure {
        // A full disk, or a full hold, is retried periodically. After any other failure nothing is tried again: the
        // control file or a segment may hold something other than what was written.
        if isClosing { return stop() }
        if !failure.isOutOfRoom {
          monitor.wait()
          continue
        }
        monitor.wait(milliseconds: RetryPause.pollMilliseconds)
      }
      let movesSegment =
        segments.geometry.segment(of: wantedCheckpoint.lsn)
        > segments.geometry.segment(of: control.control.checkpoint)
      if movesSegment || forcedCheckpoints > finishedCheckpoints {
        return .checkpoint(
          wantedCheckpoint.lsn, wantedCheckpoint.sequence, covering: forcedCheckpoints)
      }
      if isClosing { return stop() }
      if haveHoldsMoved || recycler.isSpaceCheckDue {
        haveHoldsMoved = false
        return .recycle
      }
      if demanded > segments.end { return .prepare }
      if failure != nil { return .prepare }
      if recycler.isHolding {
        monitor.wait(milliseconds: SegmentRecycler.spaceCheckMilliseconds)
      } else {
        monitor.wait()
      }
    }
  }

  private func stop() -> Step {
    hasStopped = true
    monitor.broadcast()
    return .stop
  }

  private func noteSave(covering covered: Int = 0) {
    monitor.withLock {
      saveFailure = recycler.holds.saveFailure
      finishedSaves = max(finishedSaves, covered)
      monitor.broadcast()
    }
  }

  private func prepareSegment() throws(LogError) {
    let device = segments.device
    let index = segments.lastIndex + 1
    let name = LogGeometry.fileName(of: index)
    let header = SegmentHeader(
      storeID: segments.storeID, segmentByteCount: segments.geometry.segmentByteCount,
      firstLSN: segments.geometry.firstLSN(of: index))
    let source: String
    let file: any LogFile
    if let refusal = recycler.holds.refusal { throw refusal }
    if let recycled = try recycler.old.openRetired() {
      (source, file) = recycled
      CrashPoint.reached(.segmentBeforeHeader)
      try file.write(header.encoded().rawSpan, at: 0)
      CrashPoint.reached(.segmentAfterHeader)
      try file.sync()
      CrashPoint.reached(.segmentAfterSync)
    } else {
      source = Self.temporaryName
      do throws(LogError) {
        file = try makeSegment(source, header)
      } catch {
        // New records are worth more than those that are kept for holds.
        guard error.isDiskFull, try recycler.retireByLosingHolds(at: control.control.checkpoint)
        else { throw error }
        return try prepareSegment()
      }
    }
    CrashPoint.reached(.segmentBeforeRename)
    try device.rename(source, to: name)
    CrashPoint.reached(.segmentAfterRename)
    if source != Self.temporaryName { recycler.old.tookRetired() }
    if !DeliberateBug.skipsDirectorySync.isOn { try device.syncDirectory() }
    CrashPoint.reached(.segmentAfterDirectorySync)
    try control.update { $0.lastSegment = index }
    CrashPoint.reached(.segmentAfterControl)
    segments.add(file)
  }

  /// Creates a segment, unless the disk lacks space or failed recently although it had reported enough.
  private func makeSegment(
    _ name: String, _ header: SegmentHeader
  ) throws(LogError) -> any LogFile {
    let device = segments.device
    guard pause.isOver(at: MonotonicTime.now) else {
      throw .diskFull(IOError(noSpaceTo: "create", "\(device.path)/\(name)"))
    }
    do throws(LogError) {
      let file = try SegmentFile.create(name, on: device, header)
      pause.succeeded()
      return file
    } catch {
      // A partial segment must not occupy the space that participants need to let the log shrink.
      if try device.fileNames().contains(name) {
        try? device.remove(name)
        if error.isDiskFull { pause.failed(at: MonotonicTime.now) }
      }
      throw error
    }
  }

  private func takeCheckpoint(
    _ lsn: LSN, _ sequence: UInt64, covering covered: Int
  ) throws(LogError) {
    CrashPoint.reached(.checkpointBeforeControl)
    try control.update { control in
      control.checkpoint = max(control.checkpoint, lsn)
      // Otherwise a record of an earlier epoch, left after an old torn tail, could lie right at the checkpoint when
      // the log is opened and be taken for its first record.
      if control.checkpoint >= openedAt { control.leastEpoch = control.epoch }
      control.sequence = max(control.sequence, sequence)
    }
    CrashPoint.reached(.checkpointAfterControl)
    // The last segment stays even if the checkpoint is at its end: the control file names it.
    let first = min(segments.geometry.segment(of: lsn), segments.lastIndex)
    recycler.old.add(segments.remove(before: first))
    CrashPoint.reached(.checkpointAfterRetiring)
    _ = try recycle()
    monitor.withLock {
      finishedCheckpoints = max(finishedCheckpoints, covered)
      durableCheckpoint = control.control.checkpoint
    }
  }

  /// Retires the segments that neither the store nor a hold needs. Returns whether there were any.
  private func recycle() throws(LogError) -> Bool {
    defer { noteSave() }
    return try recycler.recycle(at: control.control.checkpoint)
  }
}
