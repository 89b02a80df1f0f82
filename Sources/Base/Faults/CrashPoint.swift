import Glibc
import Synchronization

/// The named places where a test may end the process: before and after each write, sync and publication
/// in the life of a batch, of apply, of a checkpoint, of a range delete, of recovery and of making a
/// store.
///
/// A call is one relaxed load of a flag while nothing is armed. Armed by `KVD_CRASH_AT=name:n` in the
/// environment, the process ends with status 137 when it comes to the place for the n-th time, as if
/// killed there; a simulation sets a handler instead.
package enum CrashPoint: String, CaseIterable, Sendable {
  // Commit: a batch gets its place.
  case batchBuffered, intentBuffered, markerBuffered, abortBuffered
  // Log: a group becomes durable and visible.
  case groupTaken, groupBeforeWrite, groupAfterWrite, groupBeforeSync, groupAfterSync
  case groupBeforePublish, groupAfterPublish
  // Log: checkpoints, and the recycling of segments.
  case controlBeforeWrite, controlAfterWrite, controlAfterSync
  case checkpointBeforeControl, checkpointAfterControl, checkpointAfterRetiring
  case segmentBeforeRemoval, segmentAfterRemoval
  case segmentBeforeHeader, segmentAfterHeader, segmentAfterSync, segmentBeforeRename
  case segmentAfterRename, segmentAfterDirectorySync, segmentAfterControl
  // Recovery.
  case recoveryBeforeRead, recoveryAfterSync, recoveryAfterRead, tailBeforeSettling, tailAfterWrite
  case tailAfterSync, epochBeforeWrite, epochAfterWrite, leftoverAfterRemoval
  // Making a log.
  case logBeforeSegment, logAfterSegment, logAfterDirectorySync, logControlAfterSync
  case logControlAfterRename, logAfterCreation
  // Apply: a memtable is applied to LMDB.
  case applyBeforeTransaction, applyBeforeCommit, applyAfterCommit, applyBeforeDrop, applyAfterDrop
  // Deletes: chunks of range deletes.
  case purgeBeforeChunk, purgeBeforePosition, purgeBeforeTombstoneRemoval, purgeBeforeCommit
  case purgeAfterCommit, purgeAfterDrop
  // Reads: one partition of a cut is looked at, and the next is not yet.
  case cutBetweenPartitions
  // Reads of one key: its partition's layers are taken, and the sequence is not yet.
  case lookupBetweenSteps
  // Reads of one key: the sequence is taken, and the partition's file is not opened yet.
  case lookupBeforeFile
  // A watch begins: the key is looked up, and what is on its way is not yet.
  case watchBetweenSteps
  // Making a store, and its manifest.
  case createBeforeNote, createBeforeLock, createAfterNote, createBeforePartition
  case createAfterPartition, createAfterLog, createAfterManifest, createAfterNoteRemoval
  case manifestBeforeWrite, manifestAfterSync, manifestAfterRename, manifestAfterDirectorySync

  /// Whether a lock may be held there, of the store's or of LMDB's: the process can end, but no other
  /// thread can be let run.
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

  /// The process has come to `point`.
  @inline(__always)
  package static func reached(_ point: CrashPoint) {
    if isArmed.load(ordering: .relaxed) { point.tell() }
  }

  @inline(never)
  private func tell() {
    Self.handler.withLock({ $0 })?(self)
  }

  /// Has `body` called at every crash point from now on; nil turns them off again.
  package static func setHandler(_ body: (@Sendable (CrashPoint) -> Void)?) {
    handler.withLock { $0 = body }
    isArmed.store(body != nil, ordering: .relaxed)
  }

  /// Arms what `text` names, `name` or `name:n`: the n-th time ends the process. False where it names
  /// nothing.
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
