import Glibc
import Synchronization

/// Records which thread holds a lock, to detect a thread that is about to wait for itself.
struct LockOwner: ~Copyable {
  /// 0 if no thread holds the lock; no `pthread_self()` value is 0.
  private let holder = Atomic<UInt>(0)

  /// Called right after the lock is acquired.
  func take() { holder.store(UInt(pthread_self()), ordering: .relaxed) }

  /// Called right before the lock is released.
  func giveUp() { holder.store(0, ordering: .relaxed) }

  /// Whether the calling thread holds the lock. Exact: a thread always sees its own last store.
  var isThisThread: Bool { holder.load(ordering: .relaxed) == UInt(pthread_self()) }
}
