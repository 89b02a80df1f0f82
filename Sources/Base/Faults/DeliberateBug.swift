#if KVD_DELIBERATE_BUGS
  import Synchronization
#endif

/// Bugs that the crash harness must find. They prove that the harness can fail.
///
/// They exist only in builds with `-Xswiftc -DKVD_DELIBERATE_BUGS`. In all other builds each one is off and the
/// compiler removes its code.
package enum DeliberateBug: String, CaseIterable, Sendable {
  /// Every other group is acknowledged without a sync.
  case skipsGroupSync
  /// A group is acknowledged before it is written.
  case acknowledgesEarly
  /// LMDB syncs nothing, or does not sync its meta pages. Only a power cut can reveal it.
  case opensLMDBWithoutSync, opensLMDBWithoutMetaSync
  /// The applied LSN is committed in an LMDB transaction before that of the data.
  case appliedLSNApart
  /// The log is released up to the greatest applied LSN instead of the least.
  case recyclesSegmentsEarly
  /// Segments that a hold needs are recycled.
  case recyclesHeldSegments
  /// Segments are recycled up to where a hold was advanced, before its file says so.
  case recyclesBeforeSavingHolds
  /// The file of holds is not synced before it is renamed.
  case skipsHoldsSync
  /// A cursor reads records that no sync has covered.
  case cursorReadsBeyondDurable
  /// Opening a log does not begin a new epoch, so transaction ids are reused.
  case reusesTransactionIDs
  /// The directory is not synced after a segment is renamed.
  case skipsDirectorySync
  /// Recovery ignores checksums.
  case ignoresCRC
  /// Apply drops the range deletes of a memtable.
  case dropsTombstones
  /// A read at an older sequence misses range deletes that a later one covers.
  case forgetsCoveredRangeDeletes
  /// Each group of range deletes that is carried out also removes one tombstone that is not done.
  case finishesRangeDeletesEarly
  /// A range delete is carried out, and its tombstone removed, while its memtable can still be read.
  case carriesOutBeforeDrop
  /// The first partition shows a batch later than the others.
  case publishesByPartition
  /// A cut over the partitions is accepted although one of them changed while it was taken.
  case takesCutsOnce
  /// A read of one key opens its view of the file after it has read its sequence.
  case readsSequenceBeforeFile
  /// A record left over in a recycled segment is accepted as a live one.
  case acceptsStaleRecords
  /// Entries removed by a range delete without being read are not recorded as orphans, so what they owned stays.
  case forgetsOrphans
  /// When apply leaves out a hidden entry, an older version that owns other entries stays in the file.
  case leavesStaleOwners
  /// Admission reserves what a request declares instead of what its transaction has actually written.
  case admitsByRequest
  /// An error reply is sent at once, although the state it reveals may not be durable yet. Only a power cut can
  /// reveal it, and only to the clients of the power-loss driver.
  case sendsErrorsAtOnce
  /// With periodic durability the sync is timed from the writer thread's last wake-up instead of the age of the
  /// oldest unsynced byte.
  case syncsLate
  /// Sequences of batches lost in a power cut are reused.
  case reusesSequences
  /// Recovery rolls forward an intent that has no commit marker.
  case rollsForwardInDoubt

  /// Whether the bug is in the daemon, which the store simulation does not run.
  package var isDaemonOnly: Bool { self == .sendsErrorsAtOnce }

  #if KVD_DELIBERATE_BUGS
    private static let active = Lock<DeliberateBug?>(nil)

    /// Turns this bug on and any other off.
    package static func turnOn(_ bug: DeliberateBug?) { active.withLock { $0 = bug } }

    package var isOn: Bool { Self.active.withLock { $0 } == self }
    package static var areCompiledIn: Bool { true }

    private static let laggingSequence = Atomic<UInt64>(0)

    /// For `publishesByPartition`: makes batches up to `sequence` visible in the first partition.
    package static func showFirstPartition(upTo sequence: UInt64) {
      laggingSequence.store(sequence, ordering: .sequentiallyConsistent)
    }

    /// For `publishesByPartition`: the sequence that a read at `sequence` uses in `partition`.
    package static func shown(_ sequence: UInt64, of partition: Int) -> UInt64 {
      guard publishesByPartition.isOn, partition == 0, sequence != .max else { return sequence }
      return min(sequence, laggingSequence.load(ordering: .sequentiallyConsistent))
    }
  #else
    /// Does nothing in this build.
    package static func turnOn(_ bug: DeliberateBug?) {}

    @inline(__always)
    package var isOn: Bool { false }
    package static var areCompiledIn: Bool { false }

    @inline(__always)
    package static func showFirstPartition(upTo sequence: UInt64) {}

    @inline(__always)
    package static func shown(_ sequence: UInt64, of partition: Int) -> UInt64 { sequence }
  #endif
}
