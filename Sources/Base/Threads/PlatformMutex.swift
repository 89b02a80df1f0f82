import Glibc

/// A `pthread_mutex_t` in its own allocation, because it must not move.
///
/// Sound as `@unchecked Sendable`: a pthread mutex is made for concurrent use.
@safe package struct PlatformMutex: ~Copyable, @unchecked Sendable {
  /// Only for `pthread_cond_wait`.
  package let address: UnsafeMutablePointer<pthread_mutex_t>

  /// - Parameter spinsBriefly: whether a thread spins briefly before it sleeps, adapting to how well that
  ///   has worked before (`PTHREAD_MUTEX_ADAPTIVE_NP`).
  package init(spinsBriefly: Bool = false) {
    unsafe address = .allocate(capacity: 1)
    var attributes = pthread_mutexattr_t()
    unsafe pthread_mutexattr_init(&attributes)
    let kind = spinsBriefly ? PTHREAD_MUTEX_ADAPTIVE_NP : PTHREAD_MUTEX_NORMAL
    unsafe pthread_mutexattr_settype(&attributes, Int32(kind))
    unsafe pthread_mutex_init(address, &attributes)
    unsafe pthread_mutexattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_mutex_destroy(address)
    unsafe address.deallocate()
  }

  /// `pthread_mutex_lock`, which fails only for an invalid mutex. Locking it twice on one thread deadlocks.
  package func lock() {
    let status = unsafe pthread_mutex_lock(address)
    precondition(status == 0, "pthread_mutex_lock failed")
  }

  /// `pthread_mutex_unlock`
  package func unlock() {
    let status = unsafe pthread_mutex_unlock(address)
    precondition(status == 0, "pthread_mutex_unlock failed")
  }
}
