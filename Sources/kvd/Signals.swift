import Glibc

/// The signals that a daemon may receive, accepted with sigwaitinfo(2): no code runs in a signal handler.
///
///     TERM INT QUIT                            kvd stops
///     HUP                                      kvd reads its configuration again
///     USR1 USR2 ALRM VTALRM PROF POLL PWR      logged, otherwise ignored
///     STKFLT XCPU, and the real-time ones
///     PIPE XFSZ TTIN TTOU                      ignored: the call that caused one returns an error
///     TSTP CONT CHLD URG WINCH                 the default action
///     ABRT BUS FPE ILL SEGV SYS TRAP           the process ends: they report a fault in it
///     KILL STOP                                cannot be caught
enum Signals {
  struct Received {
    let number: Int32
    /// The process that sent it, 0 for the kernel.
    let sender: pid_t

    var isStop: Bool { [SIGTERM, SIGINT, SIGQUIT].contains(number) }
    var isReload: Bool { number == SIGHUP }

    /// Its name, and its sender.
    var description: String {
      let name = Signals.name(of: number)
      if sender == 0 { return name }
      return "\(name) from \(sender == getpid() ? "kvd itself" : "process \(sender)")"
    }
  }

  /// Call once, before a second thread is started: all threads inherit the blocked signals.
  static func block() {
    for number in [SIGPIPE, SIGXFSZ, SIGTTIN, SIGTTOU] { _ = signal(number, SIG_IGN) }
    var set = taken()
    unsafe _ = pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Waits for the next of these signals.
  static func wait() -> Received {
    var set = taken()
    var information = unsafe siginfo_t()
    while true {
      let number = unsafe sigwaitinfo(&set, &information)
      guard number > 0 else { continue }
      // A positive code means that the kernel sent it.
      let isSent = unsafe information.si_code <= 0
      return Received(
        number: number, sender: isSent ? unsafe information._sifields._kill.si_pid : 0)
    }
  }

  /// Stops this process as a SIGTERM from outside would; kill(2).
  static func sendToSelf() { _ = kill(getpid(), SIGTERM) }

  private static let names: [(number: Int32, name: String)] = [
    (SIGTERM, "SIGTERM"), (SIGINT, "SIGINT"), (SIGQUIT, "SIGQUIT"), (SIGHUP, "SIGHUP"),
    (SIGUSR1, "SIGUSR1"), (SIGUSR2, "SIGUSR2"), (SIGALRM, "SIGALRM"), (SIGVTALRM, "SIGVTALRM"),
    (SIGPROF, "SIGPROF"), (SIGPOLL, "SIGPOLL"), (SIGPWR, "SIGPWR"), (SIGSTKFLT, "SIGSTKFLT"),
    (SIGXCPU, "SIGXCPU"),
  ]

  private static func name(of number: Int32) -> String {
    if let known = names.first(where: { $0.number == number }) { return known.name }
    return "SIGRTMIN+\(number - __libc_current_sigrtmin())"
  }

  private static func taken() -> sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for (number, _) in names { unsafe sigaddset(&set, number) }
    for number in __libc_current_sigrtmin()...__libc_current_sigrtmax() {
      unsafe sigaddset(&set, number)
    }
    return set
  }
}
