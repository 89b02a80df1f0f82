#if KVD_DELIBERATE_BUGS
  import Synchronization
#endif

/// Mistakes that the crash harness must find: what proves that it can fail.
///
/// They exist only in builds made with `-Xswiftc -DKVD_DELIBERATE_BUGS`; in all others every one is
/// off, and the compiler leaves its code out.
package enum DeliberateBug: String, CaseIterable, Sendable {
  /// Every other group is acknowledged without its sync.
  case skipsGroupSync
  /// A group is acknowledged before it is written.
  case acknowledgesEarly
  /// LMDB does not sync at all, or not its meta pages. Only a power cut can show it.
  case opensLMDBWithoutSync, opensLMDBWithoutMetaSync
  /// The applied LSN is written in a transaction before that of the data.
  case appliedLSNApart
  /// The log is let go of up to the greatest applied LSN, not the least.
  case recyclesSegmentsEarly
  /// No new epoch begins when a log is opened, so its transaction ids are given out again.
  case reusesTransactionIDs
  /// A segment's new name is not made durable.
  case skipsDirectorySync
  /// Recovery does not look at checksums.
  case ignoresCRC
  /// Apply forgets the range deletes of a memtable.
  case dropsTombstones
  /// A read as of an earlier batch forgets the range deletes that a later one covers.
  case forgetsCoveredRangeDeletes
  /// With each group of range deletes that is carried out one more is forgotten.
  case finishesRangeDeletesEarly
  /// A range delete is carried out and forgotten while the memtable that it came with can still be read.
  case carriesOutBeforeDrop
  /// The first partition shows a batch later than the others.
  case publishesByPartition
  /// A cut over partitions stands although one of them has changed meanwhile.
  case takesCutsOnce
  /// A read of one key opens a view of the file after it has taken the sequence that it reads at.
  case readsSequenceBeforeFile
  /// A record that a recycled segment held before passes for one of its new place.
  case acceptsStaleRecords
  /// What a range delete removes unseen is not noted, so that what belonged to it stays.
  case forgetsOrphans
  /// What is left out of a file leaves an older owner of others there.
  case leavesStaleOwners
  /// Room is asked for what a request says, and not for what its transaction has written in fact.
  case admitsByRequest
  /// An error reply is sent at once, although what it tells of may not be durable yet. Only a power cut can show
  /// it, and only the driver's clients can see it.
  case sendsErrorsAtOnce
  /// With periodic durability the sync comes a while after the writer's thread was last told something, however old
  /// the oldest byte is that is not synced.
  case syncsLate
  /// Sequences of batches that a power cut took are given out again.
  case reusesSequences
  /// Recovery rolls an intent forward that has no marker.
  case rollsForwardInDoubt

  /// Whether it is one of the daemon's, where the simulation of a store does not come.
  package var isOfDaemon: Bool { self == .sendsErrorsAtOnce }

  #if KVD_DELIBERATE_BUGS
    private static let active = Lock<DeliberateBug?>(nil)

    /// Turns this one on, and the one before off.
    package static func turnOn(_ bug: DeliberateBug?) { active.withLock { $0 = bug } }

    package var isOn: Bool { Self.active.withLock { $0 } == self }
    package static var areBuiltIn: Bool { true }

    private static let laggingSequence = Atomic<UInt64>(0)

    /// Of `publishesByPartition`: the first partition shows batches up to `sequence` from now on.
    package static func showFirstPartition(upTo sequence: UInt64) {
      laggingSequence.store(sequence, ordering: .sequentiallyConsistent)
    }

    /// Of `publishesByPartition`: what a read at `sequence` sees of `partition`.
    package static func shown(_ sequence: UInt64, of partition: Int) -> UInt64 {
      guard publishesByPartition.isOn, partition == 0, sequence != .max else { return sequence }
      return min(sequence, laggingSequence.load(ordering: .sequentiallyConsistent))
    }
  #else
    /// Does nothing in this build.
    package static func turnOn(_ bug: DeliberateBug?) {}

    @inline(__always)
    package var isOn: Bool { false }
    package static var areBuiltIn: Bool { false }

    @inline(__always)
    package static func showFirstPartition(upTo sequence: UInt64) {}

    @inline(__always)
    package static func shown(_ sequence: UInt64, of partition: Int) -> UInt64 { sequence }
  #endif
}
