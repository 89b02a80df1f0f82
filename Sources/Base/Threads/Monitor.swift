import Glibc

/// A mutex with a condition variable, for the few places where a thread sleeps until another one signals it. State
/// that is merely shared lives in a `Lock` instead.
///
/// Sound as `@unchecked Sendable`: both pthread objects are made for concurrent use, and keep one address because
/// they are allocated separately and freed only in `deinit`.
@safe package final class Monitor: @unchecked Sendable {
  private let mutex = PlatformMutex(spinsBriefly: true)
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  package init() {
    unsafe condition = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    // Time-outs use a clock that cannot be set.
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(condition, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe condition.deallocate()
  }

  package func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    mutex.lock()
    defer { mutex.unlock() }
    return try body()
  }

  /// Sleeps until signalled. Call only inside `withLock`. May wake spuriously: check the condition in a loop.
  package func wait() {
    if let scheduler = Scheduling.current { return sleep(scheduler, nil) }
    unsafe pthread_cond_wait(condition, mutex.address)
  }

  /// Sleeps until signalled, for at most `milliseconds`. Call only inside `withLock`; may wake spuriously.
  package func wait(milliseconds: Int) {
    if let scheduler = Scheduling.current { return sleep(scheduler, milliseconds) }
    var deadline = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &deadline)
    let nanoseconds = deadline.tv_nsec + (milliseconds % 1000) * 1_000_000
    deadline.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
    deadline.tv_nsec = nanoseconds % 1_000_000_000
    unsafe pthread_cond_timedwait(condition, mutex.address, &deadline)
  }

  package func signal() {
    if let scheduler = Scheduling.current {
      return scheduler.wake(ObjectIdentifier(self), all: false)
    }
    unsafe pthread_cond_signal(condition)
  }

  package func broadcast() {
    if let scheduler = Scheduling.current {
      return scheduler.wake(ObjectIdentifier(self), all: true)
    }
    unsafe pthread_cond_broadcast(condition)
  }

  private func sleep(_ scheduler: any ThreadScheduler, _ milliseconds: Int?) {
    mutex.unlock()
    scheduler.sleep(on: ObjectIdentifier(self), milliseconds: milliseconds)
    mutex.lock()
  }
}
