import Glibc

/// Runs this program again as a child process, which damaged data may crash without harm.
enum ChildProcess {
  /// Runs `kvd` with `arguments`, passes what it writes to stdout to `take`, and returns its exit status,
  /// or the negated number of the signal that ended it. 127 if it cannot be started.
  static func run(_ arguments: [String], _ take: (ArraySlice<UInt8>) -> Void) -> Int32 {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { return 127 }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let process = spawn(arguments, writingTo: ends[1])
    close(ends[1])
    defer { close(ends[0]) }
    guard let process else { return 127 }
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = unsafe read(ends[0], &chunk, chunk.count)
      if count > 0 {
        take(chunk[..<count])
      } else if count == 0 || errno != EINTR {
        break
      }
    }
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
  }

  private static func spawn(_ arguments: [String], writingTo output: Int32) -> pid_t? {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    // The child reports errors on stdout; what LMDB and the runtime print on an abort is not needed.
    unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    let inherited = Environment.variables.filter {
      // Crash points set by a test are for this process only.
      !$0.hasPrefix("KVD_") && !$0.hasPrefix("SWIFT_BACKTRACE=")
    }
    var variables =
      unsafe (inherited + ["SWIFT_BACKTRACE=enable=no"]).map { unsafe strdup($0) } + [nil]
    var words = unsafe (["kvd"] + arguments).map { unsafe strdup($0) } + [nil]
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      for index in unsafe variables.indices { unsafe free(variables[index]) }
      for index in unsafe words.indices { unsafe free(words[index]) }
    }
    var process: pid_t = 0
    let code = unsafe posix_spawn(&process, "/proc/self/exe", &actions, nil, &words, &variables)
    return code == 0 ? process : nil
  }
}
