import Glibc
import Synchronization

/// Named places where a test can end the process: before and after each write, sync and publication of a commit, an
/// apply, a checkpoint, a range delete, a recovery and the creation of a store.
///
/// While nothing is armed, a call costs one relaxed load of a flag. `KVD_CRASH_AT=name:n` in the environment arms a
/// point: when it is reached for the n-th time, the process exits with status 137, as if killed there. A simulation
/// installs a handler instead.
package enum CrashPoint: String, CaseIterable, Sendable {
  // Commit: a batch is written into the log buffer.
  case batchBuffered, intentBuffered, markerBuffered, abortBuffered
  // Log: a group becomes durable and visible.
  case groupTaken, groupBeforeWrite, groupAfterWrite, groupBeforeSync, groupAfterSync
  case groupBeforePublish, groupAfterPublish
  // Log: checkpoints and recycling of segments.
  case controlBeforeWrite, controlAfterWrite, controlAfterSync
  case checkpointBeforeControl, checkpointAfterControl, checkpointAfterRetiring
  case segmentBeforeRemoval, segmentAfterRemoval
  case segmentBeforeHeader, segmentAfterHeader, segmentAfterSync, segmentBeforeRename
  case segmentAfterRename, segmentAfterDirectorySync, segmentAfterControl
  // Log: the file of holds is replaced.
  case holdsBeforeWrite, holdsAfterWrite, holdsAfterSync, holdsAfterRename, holdsAfterDirectorySync
  // Recovery.
  case recoveryBeforeRead, recoveryAfterSync, recoveryAfterRead, tailBeforeSettling, tailAfterWrite
  case tailAfterSync, epochBeforeWrite, epochAfterWrite, leftoverAfterRemoval
  // Creating a log.
  case logBeforeSegment, logAfterSegment, logAfterDirectorySync, logControlAfterSync
  case logControlAfterRename, logAfterCreation
  // Apply: a memtable is applied to LMDB.
  case applyBeforeTransaction, applyBeforeCommit, applyAfterCommit, applyBeforeDrop, applyAfterDrop
  // Deletes: chunks of range deletes.
  case purgeBeforeChunk, purgeBeforePosition, purgeBeforeTombstoneRemoval, purgeBeforeCommit
  case purgeAfterCommit, purgeAfterDrop
  // Reads: a cut over all partitions, after one partition was read and before the next.
  case cutBetweenPartitions
  // Reads of one key: the partition's layers are taken, the sequence is not yet read.
  case lookupBetweenSteps
  // Reads of one key: the sequence is read, the partition's file is not yet opened.
  case lookupBeforeFile
  // A watch begins: the key was looked up, batches not yet published were not yet checked.
  case watchBetweenSteps
  // Creating a store and its manifest.
  case createBeforeNote, createBeforeLock, createAfterNote, createBeforePartition
  case createAfterPartition, createAfterLog, createAfterManifest, createAfterNoteRemoval
  case manifestBeforeWrite, manifestAfterSync, manifestAfterRename, manifestAfterDirectorySync

  /// Whether a lock of the store or of LMDB may be held at this point. The process can end here, but a simulation
  /// cannot switch to another thread.
  package var isInsideLock: Bool {
    switch self {
    case .batchBuffered, .intentBuffered, .markerBuffered, .abortBuffered, .applyBeforeCommit,
      .purgeBeforePosition, .purgeBeforeTombstoneRemoval, .purgeBeforeCommit,
      .manifestBeforeWrite, .manifestAfterSync, .manifestAfterRename, .manifestAfterDirectorySync:
      true
    default: false
    }
  }

  private static let isArmed = Atomic<Bool>(false)
  private static let handler = Lock<(@Sendable (CrashPoint) -> Void)?>(nil)

  /// Called when execution reaches `point`.
  @inline(__always)
  package static func reached(_ point: CrashPoint) {
    if isArmed.load(ordering: .relaxed) { point.tell() }
  }

  @inline(never)
  private func tell() {
    Self.handler.withLock({ $0 })?(self)
  }

  /// Calls `body` at every crash point; nil turns crash points off.
  package static func setHandler(_ body: (@Sendable (CrashPoint) -> Void)?) {
    handler.withLock { $0 = body }
    isArmed.store(body != nil, ordering: .relaxed)
  }

  /// Arms the point named by `text`, `name` or `name:n`: the process ends when it is reached for the n-th time.
  /// Returns false if `text` names no point or is malformed.
  package static func arm(_ text: String) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard let name = parts.first, parts.count <= 2, let point = CrashPoint(rawValue: String(name)),
      let count = parts.count == 2 ? Int(parts[1]) : 1, count > 0
    else { return false }
    let left = Atomic<Int>(count)
    let countdown = Countdown(left)
    setHandler { reached in
      if reached == point, countdown.isLast() { _exit(137) }
    }
    return true
  }

  private final class Countdown: Sendable {
    private let left: Atomic<Int>

    init(_ left: consuming Atomic<Int>) { self.left = left }

    func isLast() -> Bool { left.subtract(1, ordering: .relaxed).newValue == 0 }
  }
}
