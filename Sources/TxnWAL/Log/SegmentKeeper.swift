import Base
import Glibc

/// Keeps a written segment ready ahead of the log, and takes back those that nobody needs any more.
///
/// A thread of its own, because both mean waiting for the disk: no other thread ever fills a segment with zeros,
/// nor waits for that. It alone writes the control file once
/// the log is open. The order of its steps is what makes a crash between any two of them harmless:
///
/// - A segment is renamed to its place only when its header and zeros are durable, and counts only
///   when the control file, written after that, names it as the last one.
/// - A checkpoint is durable in the control file before a segment before it is touched.
final class SegmentKeeper: @unchecked Sendable {
  // Sound as `@unchecked Sendable`: `control`, `retired` and `pause` belong to the keeper's thread alone once it
  // runs; the rest is touched only inside `monitor`.
  /// How many segments that nobody needs are kept: about as many as a checkpoint frees at once under
  /// steady load, so that no new ones have to be filled with zeros then.
  static let retainedCount = 3

  private static let temporaryName = "segment.tmp"

  private let segments: SegmentSet
  private let control: ControlFile
  /// Everything from here on was written in the epoch that the control file names.
  private let openedAt: LSN
  private let monitor = Monitor()
  private var thread: WorkerThread?

  /// Since the last segment that the disk had no room for although it said so. Of the keeper's thread.
  private var pause = RetryPause()
  private var retired: [Int]
  private var demanded: LSN
  private var wantedCheckpoint: (lsn: LSN, sequence: UInt64)
  private var forcedCheckpoints = 0
  private var finishedCheckpoints = 0
  /// How often one was tried and failed.
  private var failedCheckpoints = 0
  private var failure: LogError?
  private var isEnding = false
  private var isClosing = false
  /// Told, on the keeper's thread, whenever there is more room, less, or a failure.
  private let changed: @Sendable () -> Void

  init(
    segments: SegmentSet, control: ControlFile, openedAt: LSN, retired: [Int],
    changed: @escaping @Sendable () -> Void
  ) {
    self.segments = segments
    self.control = control
    self.openedAt = openedAt
    self.retired = retired
    self.changed = changed
    demanded = segments.end
    wantedCheckpoint = (control.control.checkpoint, control.control.sequence)
    durableCheckpoint = control.control.checkpoint
  }

  func start() {
    thread = WorkerThread(name: "kvd-segments") { self.run() }
  }

  /// From now on no checkpoint waits for a full disk to get room.
  func stopWaiting() {
    monitor.withLock {
      isEnding = true
      monitor.broadcast()
    }
  }

  /// Lets those who wait for a checkpoint look again whether they have to.
  func wake() {
    monitor.withLock { monitor.broadcast() }
  }

  /// Finishes what is under way and ends the thread.
  func close() {
    monitor.withLock {
      isEnding = true
      isClosing = true
      monitor.broadcast()
    }
    thread?.join()
  }

  /// The checkpoint that recovery would begin from.
  var checkpoint: LSN { monitor.withLock { durableCheckpoint } }
  private var durableCheckpoint: LSN

  /// Why there is no further segment, if one could not be made.
  var currentFailure: LogError? { monitor.withLock { failure } }

  /// Asks for segments up to `lsn` at least.
  func demand(upTo lsn: LSN) {
    monitor.withLock {
      guard lsn > demanded else { return }
      demanded = lsn
      monitor.broadcast()
    }
  }

  /// Moves the checkpoint to `lsn`, no batch before which has a sequence over `sequence`. Written only
  /// once it frees a segment, unless `waiting`: then it is durable on return.
  func moveCheckpoint(to lsn: LSN, sequence: UInt64, waiting: Bool) throws(LogError) {
    try monitor.withLock { () throws(LogError) in
      if lsn >= wantedCheckpoint.lsn { wantedCheckpoint = (lsn, sequence) }
      monitor.broadcast()
      guard waiting else { return }
      forcedCheckpoints += 1
      let mine = forcedCheckpoints
      let failedBefore = failedCheckpoints
      while finishedCheckpoints < mine {
        // That there was no room for a segment says nothing of the checkpoint.
        if let failure, !failure.isDiskFull || (isEnding && failedCheckpoints > failedBefore) {
          throw failure
        }
        if isClosing { throw LogError.closed }
        monitor.wait()
      }
    }
  }

  // MARK: The thread

  private enum Step {
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

  /// What to do next; waits inside the monitor until there is something.
  private func nextStep() -> Step {
    while true {
      if let failure {
        // A full disk is asked for room now and then. Anything else is not tried at all: the control
        // file or a segment may hold something other than what was written.
        if isClosing { return .stop }
        if !failure.isDiskFull {
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
      if isClosing { return .stop }
      if demanded > segments.end { return .prepare }
      if failure != nil { return .prepare }
      monitor.wait()
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
    if let recycled = try openRetired() {
      (source, file) = recycled
      CrashPoint.reached(.segmentBeforeHeader)
      try file.write(header.encoded().rawSpan, at: 0)
      CrashPoint.reached(.segmentAfterHeader)
      try file.sync()
      CrashPoint.reached(.segmentAfterSync)
    } else {
      source = Self.temporaryName
      file = try makeSegment(source, header)
    }
    CrashPoint.reached(.segmentBeforeRename)
    try device.rename(source, to: name)
    CrashPoint.reached(.segmentAfterRename)
    if source != Self.temporaryName { retired.removeLast() }
    if !DeliberateBug.skipsDirectorySync.isOn { try device.syncDirectory() }
    CrashPoint.reached(.segmentAfterDirectorySync)
    try control.update { $0.lastSegment = index }
    CrashPoint.reached(.segmentAfterControl)
    segments.add(file)
  }

  /// The newest retired segment, to be written again; nil where there is none.
  ///
  /// One whose name has become one of several, as by `cp -al`, root may not open (`FileOpening`): it is removed, and
  /// another is made.
  private func openRetired() throws(LogError) -> (name: String, file: any LogFile)? {
    while let recycled = retired.last {
      let name = LogGeometry.fileName(of: recycled)
      do throws(LogError) {
        return (name, try segments.device.open(name, creating: false))
      } catch .io(let failure) where failure.errno == EMLINK {
        try segments.device.remove(name)
        retired.removeLast()
      } catch {
        throw error
      }
    }
    return nil
  }

  /// A new segment, where the disk says that it has room for one and did not prove wrong lately.
  private func makeSegment(
    _ name: String, _ header: SegmentHeader
  ) throws(LogError) -> any LogFile {
    let device = segments.device
    guard pause.isOver(at: MonotonicTime.now) else {
      throw .diskFull(IOError(noSpaceTo: "make", "\(device.path)/\(name)"))
    }
    do throws(LogError) {
      let file = try SegmentFile.create(name, on: device, header)
      pause.succeeded()
      return file
    } catch {
      // Half a segment must not take the room that the participants need to let the log shrink.
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
      // Without this a record of an earlier epoch, left behind a torn tail long ago, could stand
      // right at the checkpoint when the log is opened, and pass for its first record.
      if control.checkpoint >= openedAt { control.leastEpoch = control.epoch }
      control.sequence = max(control.sequence, sequence)
    }
    CrashPoint.reached(.checkpointAfterControl)
    // The last segment stays even where the checkpoint is its very end: the control file names it.
    let first = min(segments.geometry.segment(of: lsn), segments.lastIndex)
    retired += segments.remove(before: first)
    CrashPoint.reached(.checkpointAfterRetiring)
    // Some retired segments are kept to be written again; the others give their room back.
    while retired.count > Self.retainedCount {
      CrashPoint.reached(.segmentBeforeRemoval)
      try segments.device.remove(LogGeometry.fileName(of: retired.removeFirst()))
      CrashPoint.reached(.segmentAfterRemoval)
    }
    monitor.withLock {
      finishedCheckpoints = max(finishedCheckpoints, covered)
      durableCheckpoint = control.control.checkpoint
    }
  }
}
