import Glibc

/// A value protected by a mutex: the project's one lock type.
///
/// Built on `pthread_mutex_t` rather than `Synchronization.Mutex`, which on Linux is a priority-inheritance futex:
/// each contended acquisition and release is a system call, and an unexpected kernel result ends the process. Code
/// that also has to wait for a condition uses `Monitor`.
///
/// Not recursive. A thread that does not get the lock sleeps; it does not spin, because when the machine is
/// oversubscribed the holder is usually descheduled.
///
/// Sound as `@unchecked Sendable`: `value` is accessed only while `mutex` is held, and enters and leaves as
/// `sending`, so no alias of it remains outside.
@safe package final class Lock<Value: ~Copyable>: @unchecked Sendable {
  private let mutex: PlatformMutex
  private let value: UnsafeMutablePointer<Value>

  package init(_ initial: consuming sending Value) {
    mutex = PlatformMutex()
    unsafe value = .allocate(capacity: 1)
    unsafe value.initialize(to: initial)
  }

  deinit {
    unsafe value.deinitialize(count: 1)
    unsafe value.deallocate()
  }

  /// Waits for the lock and calls `body` with it held.
  package func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    mutex.lock()
    defer { mutex.unlock() }
    return try unsafe body(&value.pointee)
  }
}
