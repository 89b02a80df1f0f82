import Base
import Synchronization

/// Whether a store may hold entries that own others, and new orphan notes. While it has never had any, apply,
/// the purge worker and the removal of orphans need not look for them. One object for all partitions of a
/// store.
final class OwnerPresence: Sendable {
  /// True until recovery has found out.
  private let owners = Atomic<Bool>(true)
  /// True until the first check.
  private let orphans = Atomic<Bool>(true)

  /// Whether entries that own others may be stored.
  var mayHoldOwners: Bool { owners.load(ordering: .relaxed) }

  /// Called after recovery, with whether anything that is owned may be stored.
  func settle(_ mayHoldOwners: Bool) { owners.store(mayHoldOwners, ordering: .relaxed) }

  /// Called before the first owner is ordered.
  func noteOwner() {
    if !mayHoldOwners { owners.store(true, ordering: .relaxed) }
  }

  /// Called once an orphan note can be read.
  func noteOrphan() { orphans.store(true, ordering: .releasing) }

  /// Whether orphan notes may have been written since the last call. Look for them after this call, not
  /// before.
  func takeOrphans() -> Bool { orphans.exchange(false, ordering: .acquiringAndReleasing) }
}
