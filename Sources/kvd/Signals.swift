import Glibc

/// SIGTERM and SIGINT as something to wait for.
///
/// They are blocked in every thread, before there is a second one, and taken with sigwait(3): no
/// code ever runs inside a signal handler.
enum Signals {
  static func block() {
    var set = stopping()
    unsafe _ = pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Waits for the next of them.
  static func wait() -> Int32 {
    var set = stopping()
    var number: Int32 = 0
    while unsafe sigwait(&set, &number) != 0 {}
    return number
  }

  /// Ends this process as a SIGTERM from outside does; kill(2).
  static func sendToSelf() { _ = kill(getpid(), SIGTERM) }

  private static func stopping() -> sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, SIGTERM)
    unsafe sigaddset(&set, SIGINT)
    return set
  }
}
