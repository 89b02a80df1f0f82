import Glibc

/// A `pthread_mutex_t`, which must stay at one address, in memory of its own.
///
/// Sound as `Sendable`: it is made for use by many threads at once.
@safe package struct PlatformMutex: ~Copyable, @unchecked Sendable {
  /// For `pthread_cond_wait` alone.
  package let address: UnsafeMutablePointer<pthread_mutex_t>

  /// - Parameter spinsBriefly: whether a thread tries a little before it sleeps, for as long as that has
  ///   been worth it lately.
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

  /// `pthread_mutex_lock`, which fails for none but a mutex that is damaged or locked by its own thread.
  package func lock() {
    let status = unsafe pthread_mutex_lock(address)
    precondition(status == 0, "pthread_mutex_lock")
  }

  /// `pthread_mutex_unlock`
  package func unlock() {
    let status = unsafe pthread_mutex_unlock(address)
    precondition(status == 0, "pthread_mutex_unlock")
  }
}
