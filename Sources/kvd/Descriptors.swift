import Glibc

/// Sets up the process's file descriptors before any file is opened.
enum Descriptors {
  /// Enough for 1,024 partitions and a hundred thousand clients. The hard limit may be far higher, and
  /// starting another program may iterate over all descriptors up to the soft limit.
  private static let wantedCount: rlim_t = 1 << 18

  /// Opens /dev/null for each of stdin, stdout and stderr that is closed. Otherwise the next file opened,
  /// one of the store's, would get its number, and messages would be written into it.
  static func openStandardDescriptors() {
    for descriptor in STDIN_FILENO...STDERR_FILENO
    where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
      // The system assigns the lowest free number, which is this one: those below are open.
      _ = unsafe open("/dev/null", O_RDWR)
    }
  }

  /// Raises the soft limit as far as the hard limit allows: a store needs three descriptors per partition
  /// before the first client connects. getrlimit(2), setrlimit(2).
  static func raiseLimit() {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < wantedCount else { return }
    limit.rlim_cur = min(limit.rlim_max, wantedCount)
    _ = unsafe setrlimit(resource, &limit)
  }
}
