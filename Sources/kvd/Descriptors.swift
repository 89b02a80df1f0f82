import Glibc

/// What this process does about file descriptors before it opens any file.
enum Descriptors {
  /// Enough for 1,024 partitions and a hundred thousand clients; a hard limit may be far above what a program
  /// should walk through when it starts another one.
  private static let wantedCount: rlim_t = 1 << 18

  /// Opens /dev/null in place of each of stdin, stdout and stderr that is closed: else the next file that is
  /// opened, one of the store's, would get its number, and messages would be written into it.
  static func occupyStandardOnes() {
    for descriptor in STDIN_FILENO...STDERR_FILENO
    where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
      // The lowest free number is given, so this one: those below are occupied.
      _ = unsafe open("/dev/null", O_RDWR)
    }
  }

  /// Raises the soft limit as far as the hard one allows: a store needs three for each partition before the
  /// first client comes. getrlimit(2), setrlimit(2).
  static func raiseLimit() {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < wantedCount else { return }
    limit.rlim_cur = min(limit.rlim_max, wantedCount)
    _ = unsafe setrlimit(resource, &limit)
  }
}
