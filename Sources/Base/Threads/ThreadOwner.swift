import Glibc
import Synchronization

/// Which thread holds a lock, so that one that is about to wait for itself is found out.
package struct ThreadOwner: ~Copyable {
  /// No thread's number is 0.
  @usableFromInline let holder = Atomic<UInt>(0)

  package init() {}

  /// Called with the lock held.
  @inlinable @inline(__always)
  package func take() { holder.store(UInt(pthread_self()), ordering: .relaxed) }

  /// Called before the lock is given up.
  @inlinable @inline(__always)
  package func giveUp() { holder.store(0, ordering: .relaxed) }

  /// Whether the caller has it: exact, because what this thread has stored itself is what it finds.
  @inlinable @inline(__always)
  package var isThisThread: Bool { holder.load(ordering: .relaxed) == UInt(pthread_self()) }
}
