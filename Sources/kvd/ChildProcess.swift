import Glibc

/// This program once more, as a child that may die of what it reads.
enum ChildProcess {
  /// Runs `kvd` with `arguments`, hands over what it writes to stdout, and returns its exit status, or
  /// the negative number of the signal that ended it. 127 where it cannot be started.
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
    // It says why it ends on its stdout; what LMDB and the runtime print of an abort is for nobody.
    unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    let inherited = Environment.variables.filter {
      // A test's crash points are for this process.
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
