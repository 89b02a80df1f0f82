import Glibc
import Synchronization

/// Which thread holds a lock, so that one that is about to wait for itself is found out.
struct ThreadOwner: ~Copyable {
  /// No thread's number is 0.
  private let holder = Atomic<UInt>(0)

  /// Called with the lock held.
  func take() { holder.store(UInt(pthread_self()), ordering: .relaxed) }

  /// Called before the lock is given up.
  func giveUp() { holder.store(0, ordering: .relaxed) }

  /// Whether the caller has it: exact, because what this thread has stored itself is what it finds.
  var isThisThread: Bool { holder.load(ordering: .relaxed) == UInt(pthread_self()) }
}
