import Base
import Synchronization

/// What apply, the purge worker and those who remove orphans need not look for, as long as a store has never had
/// any: entries that own others, and notes of orphans. One for all partitions of a store.
final class OwnerPresence: Sendable {
  /// Until recovery has told: true.
  private let owners = Atomic<Bool>(true)
  /// Until somebody has looked: true.
  private let orphans = Atomic<Bool>(true)

  /// Whether entries that own others may be stored.
  var mayHoldOwners: Bool { owners.load(ordering: .relaxed) }

  /// Recovery is over: whether anything that is owned is stored.
  func settle(_ mayHoldOwners: Bool) { owners.store(mayHoldOwners, ordering: .relaxed) }

  /// Before the first owner is ordered.
  func noteOwner() { owners.store(true, ordering: .relaxed) }

  /// Once a note of an orphan can be read.
  func noteOrphan() { orphans.store(true, ordering: .releasing) }

  /// Whether there may be notes that were written since this was called last. Whoever calls it looks
  /// afterwards.
  func takeOrphans() -> Bool { orphans.exchange(false, ordering: .acquiringAndReleasing) }
}
